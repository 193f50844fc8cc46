"""A method as ranking sees it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from leaderboard.statistics import LEVEL, Interval, Residual, paired_interval
from leaderboard.verdict import ACCURACY_TOLERANCE, capped, loses_accuracy


@dataclass(frozen=True, slots=True)
class Contender:
    """What ranking needs to know of one method in one scenario at one budget.

    Attributes:
        name: the method.
        excess: E(unlearned) - E(retrain) by seed; None if some seed diverged.
        gaps: accuracy(unlearned) - accuracy(retrain) in points by seed; None if some seed diverged.
        residual: None if some seed diverged.
        gap: mean of ``gaps`` with its interval; None if some seed diverged.
        exceeds_budget: whether some seed spent more than its budget.
    """

    name: str
    excess: Mapping[int, float] | None
    gaps: Mapping[int, float] | None
    residual: Residual | None
    gap: Interval | None
    exceeds_budget: bool

    @property
    def diverged(self) -> bool:
        """Whether some seed diverged."""
        return self.excess is None or self.gaps is None

    @property
    def interval(self) -> Interval | None:
        """The residual with its interval; None if some seed diverged or the attack did not take."""
        return self.residual.interval if self.residual else None

    @property
    def distance(self) -> float:
        """How far from retraining the method ends, in either direction; infinite if that is unknown."""
        return abs(self.interval.estimate) if self.interval else math.inf

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest distance from retraining within the interval; (0, infinity) if that is unknown."""
        return (self.interval.clearance, self.interval.reach) if self.interval else (0.0, math.inf)

    @property
    def loses_accuracy(self) -> bool:
        """Whether its accuracy is significantly more than 1 point below retraining; False if some seed diverged."""
        return self.gaps is not None and loses_accuracy(list(self.gaps.values()))

    @property
    def shortfall(self) -> float:
        """Points by which its mean accuracy falls below retraining's and the tolerance of 1 point; else 0."""
        return max(0.0, -ACCURACY_TOLERANCE - self.gap.estimate) if self.gap else 0.0


def nearer(a: Contender, b: Contender, level: float = LEVEL) -> bool:
    """Whether the effect of ``a`` is significantly nearer to retraining's than that of ``b``.

    The t interval of the paired difference of E(unlearned), over the seeds that both have, must exclude 0. Where the
    two lie on different sides of retraining, one is mirrored first: overshooting is no better than falling short.
    """
    pairs = _common(a.excess, b.excess)
    if not pairs:
        return False
    side_a, side_b = (math.copysign(1, sum(values)) for values in zip(*pairs, strict=True))
    return paired_interval([side_a * x - side_b * y for x, y in pairs], level).high < 0


def more_accurate(a: Contender, b: Contender, level: float = LEVEL) -> bool:
    """Whether ``a`` is significantly more accurate than ``b`` over the seeds that both have, losses capped."""
    pairs = _common(a.gaps, b.gaps)
    if not pairs:
        return False
    gaps_a, gaps_b = (capped(values) for values in zip(*pairs, strict=True))
    return paired_interval(gaps_a - gaps_b, level).low > 0


def _common(a: Mapping[int, float] | None, b: Mapping[int, float] | None) -> list[tuple[float, float]]:
    a, b = a or {}, b or {}
    return [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]
