"""Every shipped method keeps every promise: one case per method and check."""

import functools

import pytest

from benchmark.conformance import CHECKS, Subject, run_check
from lightning_modules import UNLEARNERS


@functools.cache
def subject(method):
    return Subject(UNLEARNERS.get(method))


CASES = [
    pytest.param(method, check, id=f"{method}-{check.name}")
    for method in UNLEARNERS.all()
    for check in CHECKS
    if check.applies(subject(method))
]


@pytest.mark.parametrize(("method", "check"), CASES)
def test_shipped(method, check):
    result = run_check(subject(method), check)
    assert result.passed, result.detail
