"""Runs the checks on a method."""

import inspect
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.conformance.check import Check, ConformanceError
from benchmark.conformance.checks import CHECKS
from benchmark.conformance.result import CheckResult
from benchmark.conformance.subject import Subject
from lightning_modules import Unlearner


def check_unlearner(
    unlearner_class: type[Unlearner], hyperparameters: Mapping[str, Any] | None = None
) -> list[CheckResult]:
    """Return the results of every check that applies to a method.

    Args:
        unlearner_class: the method.
        hyperparameters: arguments of its ``__init__`` to check it with, instead of its defaults.
    """
    return run_checks(unlearner_class, hyperparameters or {}, lambda _: None)


def run_checks(
    unlearner_class: type[Unlearner],
    hyperparameters: Mapping[str, Any],
    on_result: Callable[[CheckResult], None],
) -> list[CheckResult]:
    """Run every check that applies, hand each result to ``on_result`` as it comes, and return them all.

    A check that builds on another one is not run where that one does not pass.
    """
    subject = Subject(unlearner_class, hyperparameters)
    results: dict[str, CheckResult] = {}
    for check in CHECKS:
        missing = [name for name in check.requires if name in results and not results[name].passed]
        if missing:
            result = CheckResult(check.name, "not run", f"says nothing before {missing[0]} passes", 0.0)
        elif not check.applies(subject):
            continue
        else:
            result = run_check(subject, check)
        results[check.name] = result
        on_result(result)
    return list(results.values())


def run_check(subject: Subject, check: Check) -> CheckResult:
    """Run one check, whether or not those it builds on pass."""
    reason = subject.unlearner_class.conformance_exceptions.get(check.name)
    started = time.perf_counter()
    try:
        check.function(subject)
        failure = None
    except ConformanceError as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and that is a finding
        failure = describe(error, subject.unlearner_class)
    seconds = time.perf_counter() - started
    if failure is None and reason is None:
        return CheckResult(check.name, "passed", "", seconds)
    if failure is None:
        stale = f"conformance_exceptions declares {check.name!r}, which passes: remove the declaration"
        return CheckResult(check.name, "failed", stale, seconds)
    if reason is not None:
        return CheckResult(check.name, "declared exception", reason, seconds)
    return CheckResult(check.name, "failed", failure, seconds)


def describe(error: Exception, unlearner_class: type[Unlearner]) -> str:
    """Return one sentence on an error: what was raised, and where in the method's own file."""
    file = inspect.getfile(unlearner_class)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" in {frames[-1].name} ({Path(file).name}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{unlearner_class.__name__} raises {type(error).__name__}{where}: {text}"
