"""What a rule answers about a claim of the paper.

A rule answers ``reproduced`` or ``not reproduced`` only where intervals decide. Everything else is
``not testable here``, with the reason: what is missing, or which interval leaves it open. Every rule was written down
before the data were looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmark.report.evidence import Evidence

Verdict = Literal["reproduced", "not reproduced", "not testable here"]
Rule = Callable[[Evidence], "Finding"]

PAPER_ATTACKS = ("gaussian", "gaussian-embedding", "gradient-matching", "trigger-phrase", "gradient-canceling")
"""Names of the paper's attacks here."""


@dataclass(frozen=True)
class Finding:
    """A verdict and what decides it."""

    verdict: Verdict
    statistic: str


def open_question(reason: str) -> Finding:
    """Return the finding where the data do not decide."""
    return Finding("not testable here", reason)


def decided(told: str, *, yes: bool, no: bool) -> Finding:
    """Return the finding where ``no`` refutes the claim, else ``yes`` supports it, else neither."""
    if no:
        return Finding("not reproduced", told)
    return Finding("reproduced", told) if yes else open_question(told)


def unknown(evidence: Evidence) -> Finding:  # noqa: ARG001
    """Leave it open.

    The paper's own numbers are not known to this suite; only what they are said to show is.
    """
    return open_question("the reference notes hold none of the paper's numbers")
