"""A method as ranking sees it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leaderboard.statistics import Interval, Residual
from leaderboard.verdict import keeps_accuracy, loses_accuracy


@dataclass(frozen=True, slots=True)
class Contender:
    """What ranking needs to know of one method in one scenario at one budget.

    Attributes:
        name: the method.
        excess: E(unlearned) - E(retrain) by seed; None if some seed diverged.
        residual: None if some seed diverged.
        gap: accuracy minus the retrain baseline's in points; None if some seed diverged.
        exceeds_budget: whether some seed spent more than its budget.
    """

    name: str
    excess: Mapping[int, float] | None
    residual: Residual | None
    gap: Interval | None
    exceeds_budget: bool

    @property
    def interval(self) -> Interval | None:
        """The residual with its interval; None if some seed diverged or the attack did not take."""
        return self.residual.interval if self.residual else None

    @property
    def distance(self) -> float:
        """How far from retraining the method ends, in either direction; infinite if that is unknown."""
        return abs(self.interval.estimate) if self.interval else math.inf


def any_diverged(contenders: Iterable[Contender]) -> bool:
    """Whether some contender has a seed without an effect."""
    return any(one.excess is None for one in contenders)


def any_exceeds_budget(contenders: Iterable[Contender]) -> bool:
    """Whether some contender spent more than its budget."""
    return any(one.exceeds_budget for one in contenders)


def all_keep_accuracy(contenders: Iterable[Contender]) -> bool:
    """Whether the mean accuracy of every contender is within 1 point of retraining or above it."""
    return all(one.gap is not None and keeps_accuracy(one.gap) for one in contenders)


def any_loses_accuracy(contenders: Iterable[Contender]) -> bool:
    """Whether the accuracy of some contender is significantly more than 1 point below retraining."""
    return any(one.gap is not None and loses_accuracy(one.gap) for one in contenders)
