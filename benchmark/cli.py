"""``python -m benchmark``: list, run, check, craft, report, new, submit, verify, publish, store."""

import contextlib
import inspect
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import NoReturn

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from benchmark import board_commands
from benchmark.care import commands as store_commands
from benchmark.choices import (
    check_budgets,
    check_seeds,
    choose_methods,
    choose_scenarios,
    imported,
    take_submission,
)
from benchmark.complaints import explain
from benchmark.configuration import check_configurations
from benchmark.conformance import CheckResult, line, run_checks
from benchmark.craft import craft_poison, load_poison, with_poison
from benchmark.isolation import SubmissionError, check_apart, close_sandboxes, is_submission
from benchmark.isolation.offered import offers, resolve
from benchmark.options import CheckOptions, CraftOptions, ListOptions, RunOptions, TuneOptions
from benchmark.report.command import ReportOptions, run_report
from benchmark.run import Places, Request, run
from benchmark.scenarios import all_scenarios, get_scenarios
from benchmark.store import StoreError
from benchmark.tuning import TUNED_FILE, TunedFile, TunePlaces, TuneRequest, read_to_add, read_tuned, tune
from benchmark.workers import prepare_worker
from datamodules import POISONS
from datamodules.corpora import CorpusUnavailableError
from leaderboard import EntryError
from lightning_modules import UNLEARNERS

LISTS = ("scenarios", "unlearners", "budgets", "seeds", "keep")
OPTIONS = {
    "list": ListOptions,
    "run": RunOptions,
    "tune": TuneOptions,
    "check": CheckOptions,
    "craft": CraftOptions,
    "report": ReportOptions,
}


class UsageError(ValueError):
    """A user's mistake: told in one line, exit code 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 where a cell or check failed, 2 for a user's mistake."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("datamodules").setLevel(logging.INFO)
    prepare_worker()
    try:
        values = _parse(sys.argv[1:] if arguments is None else arguments)
        return 0 if values is None else _COMMANDS[values.subcommand](values[values.subcommand])
    except KeyboardInterrupt:
        _say("stopped; what was finished is in the store, the same command goes on from there")
        sys.stderr.flush()
        os._exit(130)
    except (UsageError, StoreError, EntryError, CorpusUnavailableError, SubmissionError) as error:
        _say(f"error: {error}")
        return 2


def _list(values: Namespace) -> int:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with _mistakes():
        chosen = all_scenarios().values() if values.suite is None else choose_scenarios(values.suite, None)
    for scenario in chosen:
        budgets = ", ".join(f"{100 * budget:g}" for budget in scenario.budgets)
        options = ", ".join(f"{name} {value}" for name, value in scenario.poison.options.items())
        console.print(
            f"{scenario.suite:6} {scenario.name:34} {scenario.poison.name} ({options}), {scenario.network}, "
            f"{scenario.recipe.epochs} epochs, {len(scenario.seeds)} seeds, budgets {budgets} %"
        )
    console.print("\nunlearners:")
    for name, unlearner in UNLEARNERS.all().items():
        console.print(f"  {name:12} {unlearner.card.formula}")
    for offer in offers():
        console.print(f"  {offer.name:12} {offer.target}, offered by {offer.package}")
    return 0


def _run(values: Namespace) -> int:
    with _mistakes():
        for name in ("workers", "max_train_steps"):
            if values[name] is not None and values[name] < 1:
                raise UsageError(f"--{name} must be at least 1, got {values[name]}")
        request = Request(
            scenarios=choose_scenarios(values.suite, values.scenarios),
            methods=choose_methods(values.unlearners, values.unlearner, values.get("submission")),
            budgets=check_budgets(values.budgets),
            seeds=check_seeds(values.seeds),
            max_train_steps=values.max_train_steps,
            settings=values.settings,
            tuned=TunedFile() if values.settings == "default" else read_tuned(values.tuned_file or TUNED_FILE),
        )
        request.check()
    close_sandboxes()  # workers have their own
    output = values.output or Path("output") / request.scenarios[0].suite
    failures = run(request, Places(Path(values.store), Path(output), values.workers), Console(soft_wrap=True))
    for failure in failures:
        _say(f"failed: {failure.key}: {failure.reason}")
    return 1 if failures else 0


def _tune(values: Namespace) -> int:
    with _mistakes():
        if values.workers is not None and values.workers < 1:
            raise UsageError(f"--workers must be at least 1, got {values.workers}")
        budgets = check_budgets(None if values.budget is None else [values.budget])
        request = TuneRequest(
            scenarios=choose_scenarios("mini", values.scenario),
            methods=choose_methods(values.unlearner, None) or (),
            trials=values.trials,
            seeds=check_seeds(values.seeds) or (),
            budget=budgets[0] if budgets else None,
        )
        request.check()
        places = TunePlaces(Path(values.store), Path(values.tuned_file or TUNED_FILE), values.workers)
        read_to_add(places.file)
    failures = tune(request, places, Console(soft_wrap=True))
    for failure in failures:
        _say(f"failed: {failure.key}: {failure.reason}")
    return 1 if failures else 0


def _craft(values: Namespace) -> int:
    with _mistakes():
        (scenario, *others) = get_scenarios(values.scenario)
        if others:
            raise UsageError(
                f"--scenario names a family, choose one: {', '.join(item.name for item in [scenario, *others])}"
            )
        if values.seed < 0:
            raise UsageError(f"--seed must be a whole number from 0, got {values.seed}")
        chosen = values.poison
        plugin = None if chosen is None else imported(chosen["class_path"])
        scenario = with_poison(scenario, plugin, dict((chosen or {}).get("init_args") or {}))
    output = Path(values.output or Path("output") / "poisons" / scenario.name / f"seed{values.seed}")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if values.load is not None:
        with _mistakes():
            load_poison(scenario, Path(values.load), output, console)
        return 0
    places = Places(Path(values.store), output, values.workers)
    failures = craft_poison(scenario, values.seed, places, console)
    for failure in failures:
        _say(f"failed: {failure.key}: {failure.reason}")
    return 1 if failures else 0


def _check(values: Namespace) -> int:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with _mistakes():
        (method,) = choose_methods(None, values.unlearner, values.get("submission")) or (None,)
        if method is None:
            raise UsageError("--unlearner is required: a name, or path/to/file.py:Class")

    def show(result: CheckResult) -> None:
        console.print(line(result))

    if method.submission is None:
        results = run_checks(UNLEARNERS.get(method.reference), method.hyperparameters, show)
    else:
        results = check_apart(method.reference, method.hyperparameters, show)
    failed = [result.name for result in results if not result.passed]
    seconds = sum(result.seconds for result in results)
    console.print(
        f"{method.name}: {len(results) - len(failed)} checks passed, {len(failed)} failed, in {seconds:.0f} s"
    )
    return 1 if failed else 0


def _report(values: Namespace) -> int:
    report = None if values.report is None else Path(values.report)
    options = ReportOptions(Path(values.output), Path(values.store), report)
    return run_report(options, Console(soft_wrap=True, highlight=False, markup=False))


def _of_board(name: str, values: Namespace) -> int:
    with _mistakes():
        return board_commands.RUN[name](values, Console(soft_wrap=True, highlight=False, markup=False))


def _store(values: Namespace) -> int:
    with _mistakes():
        return store_commands.run_store(values, Console(soft_wrap=True, highlight=False, markup=False))


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "list": _list,
    "run": _run,
    "tune": _tune,
    "check": _check,
    "craft": _craft,
    "report": _report,
    "store": _store,
    **{name: partial(_of_board, name) for name in board_commands.RUN},
}


class _Parser(ArgumentParser):
    """Tells a mistake by raising it."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise UsageError(message) from ex


def _parse(arguments: Sequence[str]) -> Namespace | None:
    parser = _parser()
    with _mistakes():
        typed, submission = _normalised(arguments), None
        check_configurations(typed)
        if typed[:1] in (["run"], ["check"], ["submit"]):
            typed, submission = take_submission(typed)
    try:
        values = parser.parse_args(typed)
    except UsageError as error:
        told = explain(str(error), _known_words(arguments))
        if "Unexpected import path format" in told:
            told += "; a method outside this repository is named as --unlearner=path/to/file.py:Class, not in a file"
        raise UsageError(told) from error
    except (ValueError, RecursionError) as error:  # of the reader of YAML
        raise UsageError(f"--config must be a YAML file of settings: {type(error).__name__}: {error}") from error
    if values.subcommand is None:
        parser.print_help()
        return None
    if submission is not None:
        values[values.subcommand]["submission"] = submission
    return values


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog="python -m benchmark", description="Does machine unlearning remove data poisoning?", allow_abbrev=False
    )
    commands = parser.add_subcommands(required=False, dest="subcommand")
    for name, options in OPTIONS.items():
        title = (options.__doc__ or "").partition("\n")[0]
        command = _Parser(description=title)
        command.add_argument("--config", action="config", help="read settings from a YAML file")
        command.add_class_arguments(options, as_group=False, fail_untyped=True)
        commands.add_subcommand(name, command, help=title)
    board_commands.add_board_commands(commands.add_subcommand, lambda text: _Parser(description=text))
    title = "Look after a store: ls, du, verify, gc, lineage."
    store = _Parser(description=title)
    commands.add_subcommand("store", store, help=title)
    store_commands.add_store_commands(store, lambda text: _Parser(description=text))
    return parser


def _normalised(arguments: Sequence[str]) -> list[str]:
    """Let ``--seeds 0,1`` mean a list, and an unlearner be named like everywhere else."""
    result: list[str] = []
    option = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument.startswith("--"):
            option = name.removeprefix("--").replace("-", "_")
            name = f"--{option}"
            if arguments[0] == "tune" and option in ("unlearner", "scenario"):
                option += "s"  # several there
            result.append(f"{name}={_typed(option, value)}" if equals else name)
        else:
            result.append(_typed(option, argument))
            option = ""
    return result


def _typed(option: str, value: str) -> str:
    if "\0" in value or (option and not value.strip()):
        raise ValueError(f"--{option} needs a value without NUL characters, got {value!r}")
    if option in LISTS and not value.startswith("["):
        return f"[{value}]"
    if option == "poison" and re.fullmatch(r"[\w-]+", value):
        attack = POISONS.get(value)
        return f"{attack.__module__}.{attack.__qualname__}"
    value = resolve(value) if option == "unlearner" else value
    is_name = not is_submission(value) and not value.endswith((".yaml", ".yml", ".json"))
    if option == "unlearner" and is_name and re.fullmatch(r"[^{}\s]+", value):
        plugin = UNLEARNERS.get(value)
        return f"{plugin.__module__}.{plugin.__qualname__}"
    return value


def _known_words(arguments: Sequence[str]) -> list[str]:
    """Return every option, command and hyper-parameter that may have been meant."""
    every = OPTIONS | board_commands.OPTIONS | store_commands.OPTIONS
    chosen = [every[word] for word in arguments if word in every] or every.values()
    words = [
        *every,
        "store",
        *(field.name for options in chosen for field in fields(options)),
        *store_commands.FLAGS,
        *board_commands.WORDS,
        "config",
    ]
    for argument in arguments:
        if is_submission(argument):
            continue
        with contextlib.suppress(ValueError):
            words += inspect.signature(UNLEARNERS.get(argument.removeprefix("--unlearner="))).parameters
    return words


@contextlib.contextmanager
def _mistakes() -> Iterator[None]:
    """Take a ValueError in here for a user's mistake."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error


def _say(text: str) -> None:
    sys.stderr.write(f"benchmark: {text}\n")
