"""Conformance: what every unlearner promises, as many small checks, each of one property.

Three doors: :func:`check_unlearner`, ``python -m benchmark check``, and one pytest case per method and check in
``tests/benchmark/conformance/test_shipped.py``. A method that breaks a promise on purpose says so beside its code, with
the reason: ``conformance_exceptions = {"moves_weights": "an anchor"}``.
"""

from benchmark.conformance.check import Check, ConformanceError
from benchmark.conformance.checks import CHECKS
from benchmark.conformance.result import CheckResult, line
from benchmark.conformance.runner import check_unlearner, run_check, run_checks
from benchmark.conformance.subject import Subject

__all__ = [
    "CHECKS",
    "Check",
    "CheckResult",
    "ConformanceError",
    "Subject",
    "check_unlearner",
    "line",
    "run_check",
    "run_checks",
]
