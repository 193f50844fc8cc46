"""A check: one property, in one small function that is named for what it asserts."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmark.conformance.subject import Subject


class ConformanceError(Exception):
    """A promise that is not kept; the message is one sentence that says what to fix."""


@dataclass(frozen=True)
class Check:
    """A property that every unlearner it applies to must have.

    Attributes:
        function: raises :class:`ConformanceError` where the property does not hold.
        applies: whether the property means anything for a method.
        requires: names of checks without which this one says nothing.
    """

    function: Callable[[Subject], None]
    applies: Callable[[Subject], bool]
    requires: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name of the function."""
        return self.function.__name__


def check(
    *, applies: Callable[[Subject], bool] = lambda _: True, requires: tuple[str, ...] = ("runs_to_the_end",)
) -> Callable[[Callable[[Subject], None]], Check]:
    """Make a check of a function."""
    return lambda function: Check(function, applies, requires)


def demand(condition: bool, message: str) -> None:
    """Fail the check with ``message`` unless ``condition`` holds.

    Raises:
        ConformanceError: if it does not.
    """
    if not condition:
        raise ConformanceError(message)
