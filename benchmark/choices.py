"""Turns words from the command line into scenarios and methods, or into one clear sentence."""

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.isolation import describe, is_submission
from benchmark.isolation.offered import resolve
from benchmark.isolation.settings import read_settings
from benchmark.methods import Method, Setting, configured_plugin, configured_submission, default_method
from benchmark.scenario import Scenario
from benchmark.scenarios import get_scenarios, suite_scenarios


def choose_scenarios(suite: str, names: Sequence[str] | None) -> tuple[Scenario, ...]:
    """Return the named scenarios, or all of the suite.

    Raises:
        ValueError: if a name is unknown or a suite is empty.
    """
    _check_some("--scenarios", names)
    found = suite_scenarios(suite) if names is None else [item for name in names for item in get_scenarios(name)]
    unique = {scenario.name: scenario for scenario in found}
    if not unique:
        raise ValueError(f"suite {suite!r} has no scenario")
    return tuple(unique.values())


@dataclass(frozen=True)
class Typed:
    """A method outside this repository as it was named on the command line.

    Attributes:
        reference: ``path/to/file.py:Class``.
        words: text of its settings by name.
    """

    reference: str
    words: Mapping[str, str]

    def method(self) -> Method:
        """Return it with these settings; it is asked for its defaults, and imported nowhere else.

        Raises:
            ValueError: if there is no such method, or it has no such setting.
            SubmissionError: if its process ended otherwise.
        """
        submission = describe(self.reference)
        return configured_submission(submission, read_settings(submission, self.words))


def take_submission(arguments: Sequence[str]) -> tuple[list[str], Typed | None]:
    """Take ``--unlearner path/to/file.py:Class`` and its settings out of a command line.

    A parser would import the class to learn its settings; only the sandbox does.

    Args:
        arguments: with ``_`` in the names of options.

    Returns:
        the other arguments, and what was taken, None where ``--unlearner`` names no file.
    """
    joined: list[str] = []
    for argument in arguments:
        if joined and re.fullmatch(r"--unlearner(\.\w+)*", joined[-1]) and not argument.startswith("--"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    settings: dict[str, str] = {}
    reference = None
    rest = []
    for argument in joined:
        found = re.fullmatch(r"--unlearner(?:\.(?:init_args\.)?(?P<name>\w+))?=(?P<value>.*)", argument, re.DOTALL)
        if found is None:
            rest.append(argument)
        elif found["name"] is None:
            reference = found["value"]
        else:
            settings[found["name"]] = found["value"]
    if reference is None or not is_submission(reference):
        return list(arguments), None
    return rest, Typed(reference, settings)


def choose_methods(
    names: Sequence[str] | None, configured: Mapping[str, Any] | None, typed: Typed | None = None
) -> tuple[Method, ...] | None:
    """Return the named methods at their defaults and the configured one, or None where none is named.

    Args:
        names: names or ``path/to/file.py:Class``.
        configured: ``class_path`` and ``init_args`` of one shipped method, as jsonargparse parses them.
        typed: one method outside this repository, with settings.

    Raises:
        ValueError: if a name is unknown, a setting is refused, or a method is given twice.
        SubmissionError: if the process of one outside this repository ended unasked.
    """
    _check_some("--unlearners", names)
    if names is None and configured is None and typed is None:
        return None
    methods = [default_method(resolve(name)) for name in names or ()]
    if configured is not None:
        settings: dict[str, Setting] = dict(configured.get("init_args") or {})
        methods.append(configured_plugin(imported(configured["class_path"]), settings))
    if typed is not None:
        methods.append(typed.method())
    repeated = _repeated(method.name for method in methods)
    if repeated:
        raise ValueError(f"method {repeated!r} is given twice; give each once")
    return tuple(methods)


def check_budgets(budgets: Sequence[float] | None) -> tuple[float, ...] | None:
    """Return budgets as a tuple.

    Raises:
        ValueError: if one is not in (0, 1].
    """
    if budgets is None:
        return None
    _check_some("--budgets", budgets)
    for budget in budgets:
        if not 0 < budget <= 1:
            raise ValueError(f"--budgets are fractions of training in (0, 1], got {budget:g}; 10 % is 0.1")
    return tuple(budgets)


def check_seeds(seeds: Sequence[int] | None) -> tuple[int, ...] | None:
    """Return seeds as a tuple.

    Raises:
        ValueError: if one is negative.
    """
    if seeds is None:
        return None
    _check_some("--seeds", seeds)
    for seed in seeds:
        if seed < 0:
            raise ValueError(f"--seeds are whole numbers from 0, got {seed}")
    return tuple(seeds)


def imported(class_path: str) -> Any:
    """Return the class that jsonargparse names by its dotted path, and has checked."""
    module, _, name = class_path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _check_some(option: str, values: Sequence[object] | None) -> None:
    if values is not None and not values:
        raise ValueError(f"{option} must name at least one, got none; leave it out for all")


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
