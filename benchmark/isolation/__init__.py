"""Runs methods that are not part of this repository, each in a process of its own; nothing else ever imports them.

:func:`describe` asks a method who it is, :func:`run_apart` has it unlearn, :func:`check_apart` has it checked. What is
kept from it, and what is not, stands in ``THREATS.md`` beside this file.
"""

from benchmark.isolation.apart import check_apart, run_apart
from benchmark.isolation.describe import construct, describe
from benchmark.isolation.pool import close_sandboxes
from benchmark.isolation.submission import Submission, SubmissionError, is_submission

__all__ = [
    "Submission",
    "SubmissionError",
    "check_apart",
    "close_sandboxes",
    "construct",
    "describe",
    "is_submission",
    "run_apart",
]
