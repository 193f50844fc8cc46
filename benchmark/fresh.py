"""Judges an entry on fresh seeds: drawn when it is verified, so that nobody could prepare for them.

The secrets of the seeds that an entry was scored on can be computed by anybody, those of a fresh seed only by whoever
drew it. A method that gains by knowing them does worse on fresh seeds, an honest one does as well.

The rule, fixed before it was used: for each budget, the residual's contributions of single seeds,

    r_i = (E_i(unlearned) - E_i(retrain)) / mean(E(poisoned) - E(retrain)),

the mean being that of the same group of seeds, are compared between the entry's seeds and the fresh ones. They disagree
where the Welch t interval of the difference of their means, at level .99, excludes 0 *and* the difference is above .1
in size. The same holds for the accuracy gap to the retrain, where the difference must be above 1 point. Several budgets
share the .01 (Bonferroni). Residuals are compared only where the attack took on the entry's seeds and E(poisoned) is
above E(retrain) on the fresh ones; seeds on which the method diverged are left out here.

Source: B. L. Welch, "The generalization of 'Student's' problem when several different population variances are
involved", Biometrika 34 (1947), 28-35.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from rich.console import Console

from benchmark.comparison import Compared, value_text
from leaderboard import BudgetResult, SeedResult, residual
from leaderboard.text import budget_text

_Values = NDArray[np.float64]

LEAST = 2
"""Seeds on either side without which there is no Welch interval."""

LEVEL, RESIDUAL, ACCURACY_POINTS = 0.99, 0.1, 1.0
"""The rule: confidence of the interval, and differences that are let pass however sure they are."""


def welch_half_width(one: ArrayLike, other: ArrayLike, level: float) -> float:
    """Return half of the Welch t interval for the difference of two means.

    Args:
        one: ``(n,)``, n at least 2.
        other: ``(m,)``, m at least 2, in the same unit.
        level: confidence, in (0, 1).

    Returns:
        t * sqrt(s1^2 / n + s2^2 / m) with Welch's degrees of freedom; 0 where neither varies.

    Raises:
        ValueError: if a group has fewer than 2 values or one that is not finite, or ``level`` is outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    groups = _group("one", one), _group("other", other)
    squares = [float(group.var(ddof=1)) / group.size for group in groups]
    total = sum(squares)
    weights = sum(square**2 / (group.size - 1) for square, group in zip(squares, groups, strict=True))
    if weights == 0:
        return 0.0
    return float(scipy.special.stdtrit(total**2 / weights, (1 + level) / 2)) * math.sqrt(total)


def _group(name: str, values: ArrayLike) -> _Values:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size < LEAST or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold at least {LEAST} finite numbers, got {array.tolist()}")
    return array


def may_differ(one: ArrayLike, other: ArrayLike, size: float, level: float) -> float:
    """Return by how much two means may differ before they disagree: ``size``, or half of the Welch interval if greater.

    Args:
        one: ``(n,)``, n at least 2.
        other: ``(m,)``, m at least 2, in the same unit.
        size: a difference that is let pass, in the same unit.
        level: confidence, in (0, 1).

    Raises:
        ValueError: as :func:`welch_half_width`.
    """
    return max(size, welch_half_width(one, other, level))


def compare_fresh(claimed: Sequence[BudgetResult], fresh: Sequence[BudgetResult]) -> list[Compared]:
    """Return residual and accuracy gap (points) of each budget on the entry's seeds beside those on fresh seeds.

    See the head of this module for the rule.

    Args:
        claimed: results of the entry.
        fresh: results on fresh seeds. A budget where either has fewer than 2 seeds with an effect is left out.
    """
    return list(_compared(claimed, fresh))


def _compared(claimed: Sequence[BudgetResult], fresh: Sequence[BudgetResult]) -> Iterator[Compared]:
    level = 1 - (1 - LEVEL) / len(claimed)
    others = {result.budget: result.seeds for result in fresh}
    for result in claimed:
        ours, theirs = (_finite(seeds) for seeds in (result.seeds, others.get(result.budget, [])))
        if min(len(ours), len(theirs)) < LEAST:
            continue
        where = f"{len(theirs)} fresh seeds at {budget_text(result.budget)}"
        if _took(ours) and _rise(theirs) > 0:
            yield _pair(where, "residual", _residuals(ours), _residuals(theirs), RESIDUAL, level)
        yield _pair(where, "accuracy gap in points", _gaps(ours), _gaps(theirs), ACCURACY_POINTS, level)


def _pair(where: str, what: str, ours: _Values, theirs: _Values, size: float, level: float) -> Compared:
    return Compared(where, what, float(ours.mean()), float(theirs.mean()), may_differ(ours, theirs, size, level))


def _finite(seeds: Sequence[SeedResult]) -> list[SeedResult]:
    return [seed for seed in seeds if seed.unlearned.effect is not None]


def _effects(seeds: Sequence[SeedResult], role: str) -> _Values:
    return np.array([getattr(seed, role).effect for seed in seeds], dtype=np.float64)


def _took(seeds: Sequence[SeedResult]) -> bool:
    unlearned, poisoned, retrain = (_effects(seeds, role) for role in ("unlearned", "poisoned", "retrain"))
    return residual(unlearned, poisoned, retrain).took is True


def _rise(seeds: Sequence[SeedResult]) -> float:
    return float(np.mean(_effects(seeds, "poisoned") - _effects(seeds, "retrain")))


def _residuals(seeds: Sequence[SeedResult]) -> _Values:
    return (_effects(seeds, "unlearned") - _effects(seeds, "retrain")) / _rise(seeds)


def _gaps(seeds: Sequence[SeedResult]) -> _Values:
    pairs: _Values = np.array([(seed.unlearned.accuracy, seed.retrain.accuracy) for seed in seeds], dtype=np.float64)
    gaps: _Values = 100 * (pairs[:, 0] - pairs[:, 1])
    return gaps


def fresh_faults(claimed: Sequence[BudgetResult], fresh: Sequence[BudgetResult]) -> list[str]:
    """Return what else tells against an entry on fresh seeds: it diverges there and not in the entry, or hides time."""
    lines = []
    steady = {result.budget for result in claimed if len(_finite(result.seeds)) == len(result.seeds)}
    for result in fresh:
        for seed in result.seeds:
            where = f"fresh seed {seed.seed} at {budget_text(result.budget)}"
            if seed.unlearned.effect is None and result.budget in steady:
                lines.append(f"{where}: diverged, as on no seed of the entry")
            if not seed.cost.explained:
                lines.append(f"{where}: the ledger does not explain the time it took")
    return lines


def show_fresh(values: Sequence[Compared], console: Console) -> None:
    """Print what was compared with fresh seeds, and by how much it may differ: how much a confirmation is worth."""
    for value in values:
        entry, now = value_text(value.recorded), value_text(value.again)
        allowed = f"may differ by {value.allowed:.2g}: {'agrees' if value.agrees else 'differs'}"
        console.print(
            f"{value.where}: mean {value.what} {entry} in the entry, {now} now, {allowed}",
            highlight=False,
            soft_wrap=True,
        )
