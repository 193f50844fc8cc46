"""What a few seeds can say: intervals for paired means and for their ratio, the residual and its noise floor.

Everything is paired: seed ``i`` of the unlearned model descends from seed ``i`` of the poisoned model and is
compared with seed ``i`` of the retrain baseline. With one seed there is no interval; it is then (-inf, inf).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy  # loads scipy.special when it is first used, which keeps `import leaderboard` fast
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
"""Confidence of every interval that is printed."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval; an infinite end says that the data do not bound that side."""

    estimate: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def reach(self) -> float:
        """Greatest distance from 0 within the interval."""
        return max(abs(self.low), abs(self.high))

    @property
    def clearance(self) -> float:
        """Least distance from 0 within the interval."""
        return max(self.low, -self.high, 0.0)


@dataclass(frozen=True, slots=True)
class Residual:
    """Share of a poison's effect that is left: 0 is as clean as retraining, 1 is nothing removed.

    Attributes:
        interval: the residual, or None where the attack did not take: then the ratio means nothing.
        took: whether E(poisoned) - E(retrain) is significantly above 0 over seeds; None for one seed, which
            cannot say.
    """

    interval: Interval | None
    took: bool | None


def paired_interval(difference: ArrayLike, level: float = LEVEL) -> Interval:
    """Return the t interval for the mean of paired differences.

    Args:
        difference: ``(n,)``, one difference per seed, in any unit.
        level: confidence, in (0, 1).

    Returns:
        mean ± t · s / √n with n - 1 degrees of freedom; unbounded for n = 1.

    Raises:
        ValueError: if there is no difference or one is not finite, or ``level`` is outside (0, 1).
    """
    values = _seeds("difference", difference)
    quantile, mean = _quantile(values.size - 1, level), float(values.mean())
    if values.size == 1:
        return Interval(mean, -math.inf, math.inf)
    half = quantile * float(values.std(ddof=1)) / math.sqrt(values.size)
    return Interval(mean, mean - half, mean + half)


def fieller_interval(numerator: ArrayLike, denominator: ArrayLike, level: float = LEVEL) -> Interval:
    """Return Fieller's interval for a ratio of paired means, exact for normal data at any number of seeds.

    A ratio θ is inside if a t test with n - 1 degrees of freedom does not reject that numerator - θ ·
    denominator has mean 0. That is a quadratic inequality in θ. Where the mean denominator does not differ
    significantly from 0, its solution is the whole line or the outside of an interval; both are returned as
    (-inf, inf).

    Args:
        numerator: ``(n,)``, one value per seed.
        denominator: ``(n,)``, the same seeds, in the same unit.
        level: confidence, in (0, 1).

    Returns:
        the ratio of the means (NaN if the mean denominator is 0) and its interval, without a unit.

    Raises:
        ValueError: if the lengths differ, are 0, a value is not finite, or ``level`` is outside (0, 1).

    Source: E. C. Fieller, "Some problems in interval estimation", J. R. Stat. Soc. B 16 (1954), 175-185.
    """
    top, bottom = _seeds("numerator", numerator), _seeds("denominator", denominator)
    if top.size != bottom.size:
        raise ValueError(f"numerator and denominator must be as long as each other, got {top.size} and {bottom.size}")
    quantile = _quantile(top.size - 1, level)
    a, b = float(top.mean()), float(bottom.mean())
    ratio = a / b if b != 0 else math.nan
    if top.size == 1:
        return Interval(ratio, -math.inf, math.inf)
    scale = quantile**2 / top.size
    covariance = np.cov(top, bottom)
    square = b * b - scale * float(covariance[1, 1])
    linear = a * b - scale * float(covariance[0, 1])
    constant = a * a - scale * float(covariance[0, 0])
    if square <= 0:
        return Interval(ratio, -math.inf, math.inf)
    root = math.sqrt(max(linear * linear - square * constant, 0.0))  # below 0 by rounding only
    return Interval(ratio, (linear - root) / square, (linear + root) / square)


def residual(unlearned: ArrayLike, poisoned: ArrayLike, retrain: ArrayLike, level: float = LEVEL) -> Residual:
    """Return (E(unlearned) - E(retrain)) / (E(poisoned) - E(retrain)) as a ratio of means over seeds.

    The attack *took* if a one-sided paired t test at (1 - level) / 2 finds E(poisoned) above E(retrain).
    That is also when Fieller's interval is bounded. One seed gives an estimate, no interval and no answer
    whether the attack took, unless the effect did not even rise: then it did not.

    Args:
        unlearned: ``(n,)``, effects of the unlearned models.
        poisoned: ``(n,)``, effects of the poisoned models, same seeds.
        retrain: ``(n,)``, effects of the retrain baselines, same seeds.
        level: confidence, in (0, 1).

    Raises:
        ValueError: if the lengths differ, are 0, a value is not finite, or ``level`` is outside (0, 1).
    """
    baseline = _seeds("retrain", retrain)
    numerator = _difference("unlearned", unlearned, baseline)
    denominator = _difference("poisoned", poisoned, baseline)
    rise = paired_interval(denominator, level)
    if rise.estimate <= 0 or (baseline.size > 1 and rise.low <= 0):
        return Residual(None, took=False)
    return Residual(fieller_interval(numerator, denominator, level), took=True if baseline.size > 1 else None)


def noise_floor(second_retrain: ArrayLike, poisoned: ArrayLike, retrain: ArrayLike, level: float = LEVEL) -> float:
    """Return the greatest residual that one retrain plausibly shows against another.

    It is the far end of the interval of the residual that a second, independent retrain gets when it is
    judged like an unlearned model. A method that equals retraining stays below it at least as often as
    ``level`` says.

    Args:
        second_retrain: ``(n,)``, effects of the second retrains.
        poisoned: ``(n,)``, effects of the poisoned models, same seeds.
        retrain: ``(n,)``, effects of the retrain baselines, same seeds.
        level: confidence, in (0, 1).

    Returns:
        at least 0; infinite for one seed or where the attack did not take.

    Raises:
        ValueError: as :func:`residual`.
    """
    interval = residual(second_retrain, poisoned, retrain, level).interval
    return math.inf if interval is None else interval.reach


def accuracy_gap(unlearned: ArrayLike, retrain: ArrayLike, level: float = LEVEL) -> Interval:
    """Return accuracy(unlearned) - accuracy(retrain) in percentage points, with its paired t interval.

    Args:
        unlearned: ``(n,)``, accuracies in [0, 1].
        retrain: ``(n,)``, accuracies in [0, 1], same seeds.
        level: confidence, in (0, 1).

    Raises:
        ValueError: if the lengths differ, are 0, a value is not finite, or ``level`` is outside (0, 1).
    """
    return paired_interval(100 * _difference("unlearned", unlearned, _seeds("retrain", retrain)), level)


def clopper_pearson(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """Return the rate of successes in independent trials with its exact central interval.

    Args:
        successes: in 0..trials.
        trials: at least 1.
        level: confidence, in (0, 1).

    Raises:
        ValueError: if one of them is out of range.

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), 404-413.
    """
    if not (trials >= 1 and 0 <= successes <= trials):
        raise ValueError(f"successes must be in 0..trials with trials at least 1, got {successes} of {trials}")
    tail = (1 - _checked(level)) / 2
    failures = trials - successes
    quantile = scipy.special.betaincinv
    low = float(quantile(successes, failures + 1, tail)) if successes else 0.0
    high = float(quantile(successes + 1, failures, 1 - tail)) if failures else 1.0
    return Interval(successes / trials, low, high)


def _difference(name: str, values: ArrayLike, baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    array = _seeds(name, values)
    if array.size != baseline.size:
        raise ValueError(f"{name} and retrain must be as long as each other, got {array.size} and {baseline.size}")
    return array - baseline


def _seeds(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold one finite number per seed, got {_shown(array)}")
    return array


def _shown(array: NDArray[np.float64]) -> Sequence[object] | str:
    return f"shape {array.shape}" if array.ndim != 1 else array.tolist()


@lru_cache(maxsize=64)
def _quantile(degrees: int, level: float) -> float:
    half = (1 + _checked(level)) / 2
    return math.inf if degrees == 0 else float(scipy.special.stdtrit(degrees, half))


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    return level
