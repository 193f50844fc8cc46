"""The words a table puts beside a method: what the numbers of one scenario and budget allow to be said."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leaderboard.statistics import LEVEL, Interval, Residual, paired_interval

Verdict = Literal[
    "removed",
    "accuracy lost",
    "not removed",
    "not removed, accuracy lost",
    "overshot",
    "overshot, accuracy lost",
    "inconclusive",
    "inconclusive, accuracy lost",
    "over budget",
    "diverged",
    "did not take",
    "one seed",
]

ACCURACY_TOLERANCE = 1.0
"""Points of test accuracy by which an unlearned model may fall behind its retrain baseline."""

DESTROYED = 5.0
"""Points of lost accuracy beyond which a model counts as destroyed, and as no worse than that."""

RESOLUTION = 0.5
"""Residual that "removed" must exclude: where noise could hide half of the poison, nothing was shown."""

NEGLIGIBLE = 0.01
"""Least noise floor that is used: where an effect saturates, all retrains can agree exactly."""


def keeps_accuracy(gap: Interval) -> bool:
    """Whether the mean accuracy is within 1 point of the retrain baseline's, or above it."""
    return gap.estimate >= -ACCURACY_TOLERANCE


def capped(gaps: ArrayLike) -> NDArray[np.float64]:
    """Return accuracy gaps in points by seed with every loss beyond 5 points set to 5.

    Losses are skewed: a method that costs 3 points on one seed and 17 on another has a wide interval *because* it
    destroyed a model. Capped, its seeds agree that accuracy is lost. Capping only raises a mean, so it makes nobody's
    loss greater. In simulations a method exactly on the edge of the tolerance is called "accuracy lost" in 2.5 % of
    boards if its accuracy varies by up to 2 points between seeds, and in 3.2 % if by 3.
    """
    return np.maximum(np.asarray(gaps, dtype=np.float64), -DESTROYED)


def loses_accuracy(gaps: ArrayLike, level: float = LEVEL) -> bool:
    """Whether accuracy is significantly more than 1 point below the retrain baseline's; False for one seed.

    Args:
        gaps: ``(n,)``, accuracy(unlearned) - accuracy(retrain) in points by seed.
        level: confidence, in (0, 1), of the t interval of the capped gaps, which must lie below -1 as a whole.
    """
    return paired_interval(capped(gaps), level).high < -ACCURACY_TOLERANCE


def over_budget(fraction: float, budget: float) -> bool:
    """Whether ``fraction`` of the training passes exceeds ``budget`` by more than rounding."""
    return fraction > budget * (1 + 1e-9)


def judge(
    residual: Residual | None, floor: float, gap: Interval | None, *, lost: bool, exceeds_budget: bool
) -> Verdict:
    """Return the verdict on a method in one scenario at one budget.

    In this order:

    1. *did not take*: the poison shows no effect, so there was nothing to remove.
    2. *diverged*: some seed has no effect. Dropping that seed would reward instability.
    3. *over budget*: some seed spent more than it was given, so its numbers answer another question.
    4. *one seed*: no interval, hence no claim.
    5. *not removed*: the whole interval lies above the noise floor.
    6. *overshot*: the whole interval lies below minus the noise floor. The model differs from a retrained
       one in the other direction, as the model of a method that pushes the effect past zero does; that is
       not removal.
    7. *removed*: the estimate lies within the noise floor, the mean accuracy within 1 point of retraining or
       above it, and both the interval and the floor lie within ±0.5. Without that last condition noise would
       count as removal: with three seeds whose effects vary by a tenth of the poison's, a method that on
       average removes *nothing* would be called "removed" in about one board of ten. With it, a method that
       leaves half of the poison or more is called "removed" in at most 2.5 % of boards, whatever the noise.
    8. *inconclusive*: anything else; more seeds may tell.

    Where accuracy is lost, 5, 6 and 8 say so, too: "not removed, accuracy lost". What would be removal but for the
    lost accuracy is *accuracy lost* alone: a destroyed network shows no poison either.

    Args:
        residual: of the method; None if it diverged.
        floor: noise floor, at least 0.
        gap: accuracy below (negative) or above retraining in points; None if the method diverged.
        lost: whether accuracy is lost (:func:`loses_accuracy`).
        exceeds_budget: whether some seed spent more than its budget.
    """
    if residual is not None and residual.took is False:
        return "did not take"
    if residual is None or residual.interval is None or gap is None:
        return "diverged"
    if exceeds_budget:
        return "over budget"
    if residual.took is None:
        return "one seed"
    return _judge_interval(residual.interval, max(floor, NEGLIGIBLE), gap, lost=lost)


def _judge_interval(interval: Interval, floor: float, gap: Interval, *, lost: bool) -> Verdict:
    if interval.low > floor:
        return "not removed, accuracy lost" if lost else "not removed"
    if interval.high < -floor:
        return "overshot, accuracy lost" if lost else "overshot"
    clean = abs(interval.estimate) <= floor and max(floor, interval.reach) <= RESOLUTION
    if clean and lost:
        return "accuracy lost"
    if clean and keeps_accuracy(gap):
        return "removed"
    return "inconclusive, accuracy lost" if lost else "inconclusive"
