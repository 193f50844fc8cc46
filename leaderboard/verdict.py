"""The word a table puts beside a method: what the numbers of one scenario and budget allow to be said."""

from typing import Literal

from leaderboard.statistics import Interval, Residual

Verdict = Literal[
    "removed",
    "not removed",
    "overshot",
    "accuracy lost",
    "over budget",
    "diverged",
    "did not take",
    "one seed",
    "inconclusive",
]

ACCURACY_TOLERANCE = 1.0
"""Points of test accuracy by which an unlearned model may fall behind its retrain baseline."""

RESOLUTION = 0.5
"""Residual that "removed" must exclude: where noise could hide half of the poison, nothing was shown."""

NEGLIGIBLE = 0.01
"""Least noise floor that is used: where an effect saturates, all retrains can agree exactly."""


def keeps_accuracy(gap: Interval) -> bool:
    """Whether the mean accuracy is within 1 point of the retrain baseline's, or above it."""
    return gap.estimate >= -ACCURACY_TOLERANCE


def loses_accuracy(gap: Interval) -> bool:
    """Whether the accuracy is significantly more than 1 point below the retrain baseline's."""
    return gap.high < -ACCURACY_TOLERANCE


def over_budget(fraction: float, budget: float) -> bool:
    """Whether ``fraction`` of the training passes exceeds ``budget`` by more than rounding."""
    return fraction > budget * (1 + 1e-9)


def judge(residual: Residual | None, floor: float, gap: Interval | None, *, exceeds_budget: bool) -> Verdict:
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
    7. *accuracy lost*: within the noise floor, but significantly more than 1 point less accurate than
       retraining. A destroyed network shows no poison either.
    8. *removed*: the estimate lies within the noise floor, the mean accuracy within 1 point of retraining or
       above it, and both the interval and the floor lie within ±0.5. Without that last condition noise would
       count as removal: with three seeds whose effects vary by a tenth of the poison's, a method that on
       average removes *nothing* would be called "removed" in about one board of ten. With it, a method that
       leaves half of the poison or more is called "removed" in at most 2.5 % of boards, whatever the noise.
    9. *inconclusive*: anything else; more seeds may tell.

    Args:
        residual: of the method; None if it diverged.
        floor: noise floor, at least 0.
        gap: accuracy below (negative) or above retraining in points; None if the method diverged.
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
    return _judge_interval(residual.interval, max(floor, NEGLIGIBLE), gap)


def _judge_interval(interval: Interval, floor: float, gap: Interval) -> Verdict:
    if interval.low > floor:
        return "not removed"
    if interval.high < -floor:
        return "overshot"
    within = abs(interval.estimate) <= floor
    if within and loses_accuracy(gap):
        return "accuracy lost"
    if within and keeps_accuracy(gap) and max(floor, interval.reach) <= RESOLUTION:
        return "removed"
    return "inconclusive"
