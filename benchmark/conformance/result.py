"""What a check found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "declared exception", "not run"]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes:
        name: of the check.
        status: ``not run`` where a check that this one builds on did not pass.
        detail: for people: what to fix, the declared reason, or an empty string.
        seconds: wall-clock time.
    """

    name: str
    status: Status
    detail: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the promise is kept, or broken with a declared reason."""
        return self.status in {"passed", "declared exception"}


def line(result: CheckResult) -> str:
    """Return a result as one line of text."""
    detail = f": {result.detail}" if result.detail else ""
    return f"{result.status:18} {result.name} ({result.seconds:.1f} s){detail}"
