"""``python -m benchmark``: list, run, check."""

import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from benchmark.choices import check_budgets, check_seeds, choose_methods, choose_scenarios
from benchmark.run import Places, Request, run
from benchmark.scenarios import SUITES, all_scenarios
from benchmark.store import StoreError
from benchmark.workers import prepare_worker
from datamodules.corpora import CorpusUnavailableError
from lightning_modules import UNLEARNERS, Unlearner

LISTS = ("scenarios", "unlearners", "budgets", "seeds")


class UsageError(ValueError):
    """A user's mistake: told in one line, exit code 2."""


def list_command(suite: str | None = None) -> int:
    """List suites, scenarios and unlearners.

    Args:
        suite: show the scenarios of this suite only.
    """
    console = Console()
    if suite is not None:
        choose_scenarios(suite, None)
    for scenario in all_scenarios().values():
        if suite in {None, scenario.suite}:
            budgets = ", ".join(f"{100 * budget:g}" for budget in scenario.budgets)
            options = ", ".join(f"{name} {value}" for name, value in scenario.poison.options.items())
            console.print(
                f"{scenario.suite:6} {scenario.name:34} {scenario.poison.name} ({options}), {scenario.network}, "
                f"{scenario.recipe.epochs} epochs, {len(scenario.seeds)} seeds, budgets {budgets} %",
                highlight=False,
                soft_wrap=True,
            )
    console.print("\nunlearners:", highlight=False)
    for name, unlearner in UNLEARNERS.all().items():
        console.print(f"  {name:12} {unlearner.card.formula}", highlight=False, soft_wrap=True, markup=False)
    return 0


def run_command(
    suite: str = "mini",
    scenarios: list[str] | None = None,
    unlearners: list[str] | None = None,
    unlearner: Unlearner | None = None,
    budgets: list[float] | None = None,
    seeds: list[int] | None = None,
    workers: int | None = None,
    store: Path = Path("output/store"),
    output: Path | None = None,
    max_train_steps: int | None = None,
) -> int:
    """Run scenarios and print the leaderboard; whatever is in the store is not computed again.

    Args:
        suite: smoke, mini, full or paper.
        scenarios: names of scenarios instead of a suite.
        unlearners: names of methods, or path/to/file.py:Class; by default every shipped method.
        unlearner: one method with settings, e.g. --unlearner=Scrub --unlearner.alpha=0.2.
        budgets: fractions of the poisoned model's training, e.g. 0.02,0.1; by default each scenario's own.
        seeds: e.g. 0,1; by default each scenario's own.
        workers: worker processes; by default one per core, or one per GPU.
        store: folder of artifacts, shared by all runs.
        output: folder of leaderboard, entries and TensorBoard files; by default output/<suite>.
        max_train_steps: cut every training to so many steps, to try a large scenario on a small machine.
    """
    raise NotImplementedError("the parser's values are used instead; see _run")


def check_command(unlearner: Unlearner) -> int:
    """Check that a method keeps the contract: one property a line, on digits, in seconds.

    Args:
        unlearner: a name, a class or path/to/file.py:Class, with settings as for run.
    """
    raise NotImplementedError("the parser's values are used instead; see _check")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 where a cell or check failed, 2 for a user's mistake."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("datamodules").setLevel(logging.INFO)
    prepare_worker()
    try:
        parser = _parser()
        values = parser.parse_args(_normalised(sys.argv[1:] if arguments is None else arguments))
        if values.subcommand is None:
            parser.print_help()
            return 0
        return _COMMANDS[values.subcommand](values[values.subcommand])
    except KeyboardInterrupt:
        _say("stopped; what was finished is in the store, the same command goes on from there")
        sys.stderr.flush()
        os._exit(130)
    except (UsageError, ValueError, StoreError, CorpusUnavailableError) as error:
        _say(f"error: {error}")
        return 2


def _run(values: Namespace) -> int:
    chosen = choose_scenarios(values.suite, values.scenarios)
    for name in ("workers", "max_train_steps"):
        if values[name] is not None and values[name] < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1, got {values[name]}")
    request = Request(
        scenarios=chosen,
        methods=choose_methods(values.unlearners, values.unlearner),
        budgets=check_budgets(values.budgets),
        seeds=check_seeds(values.seeds),
        max_train_steps=values.max_train_steps,
    )
    output = values.output or Path("output") / chosen[0].suite
    failures = run(request, Places(Path(values.store), Path(output), values.workers), Console(stderr=False))
    for failure in failures:
        _say(f"failed: {failure.key}: {failure.reason}")
    return 1 if failures else 0


def _check(values: Namespace) -> int:
    raise NotImplementedError


def _list(values: Namespace) -> int:
    if values.suite is not None and values.suite not in SUITES:
        raise UsageError(f"--suite must be one of {', '.join(SUITES)}, got {values.suite!r}")
    return list_command(values.suite)


_COMMANDS: dict[str, Callable[[Namespace], int]] = {"list": _list, "run": _run, "check": _check}


class _Parser(ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # noqa: ARG002
        raise UsageError(_one_line(message))


def _parser() -> ArgumentParser:
    parser = _Parser(prog="python -m benchmark", description="Does machine unlearning remove data poisoning?")
    commands = parser.add_subcommands(required=False, dest="subcommand")
    for name, function in (("list", list_command), ("run", run_command), ("check", check_command)):
        command = _Parser(description=(function.__doc__ or "").partition("\n")[0])
        if name != "list":
            command.add_argument("--config", action="config", help="read settings from a YAML file")
        command.add_function_arguments(function, as_group=False, fail_untyped=True)
        commands.add_subcommand(name, command, help=(function.__doc__ or "").partition("\n")[0])
    return parser


def _normalised(arguments: Sequence[str]) -> list[str]:
    """Let ``--seeds 0,1`` mean a list, and an unlearner be named like everywhere else."""
    result: list[str] = []
    option = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals and not argument.startswith("--"):
            name, value = option, argument
        option = name.removeprefix("--")
        changed = _normalised_value(option, value) if value else value
        if equals:
            result.append(f"{name}={changed}")
        else:
            result.append(changed if value else argument)
    return result


def _normalised_value(option: str, value: str) -> str:
    if option in LISTS and not value.startswith("["):
        return f"[{value}]"
    if option == "unlearner" and re.fullmatch(r"[\w./:-]+", value) and not value.endswith((".yaml", ".yml", ".json")):
        plugin = UNLEARNERS.get(value)
        return f"{plugin.__module__}.{plugin.__qualname__}"
    return value


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _say(text: str) -> None:
    sys.stderr.write(f"benchmark: {text}\n")
