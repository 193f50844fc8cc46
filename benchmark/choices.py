"""Turns words from the command line into scenarios and methods, or into one clear sentence."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmark.methods import Method, Setting, configured_plugin, default_method
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


def choose_methods(names: Sequence[str] | None, configured: Mapping[str, Any] | None) -> tuple[Method, ...] | None:
    """Return the named methods at their defaults and the configured one, or None where none is named.

    Args:
        names: names or ``path/to/file.py:Class``.
        configured: ``class_path`` and ``init_args`` of one method, as jsonargparse parses them.

    Raises:
        ValueError: if a name is unknown, a setting is refused, or a method is given twice.
    """
    _check_some("--unlearners", names)
    if names is None and configured is None:
        return None
    methods = [default_method(name) for name in names or ()]
    if configured is not None:
        settings: dict[str, Setting] = dict(configured.get("init_args") or {})
        methods.append(configured_plugin(imported(configured["class_path"]), settings))
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
