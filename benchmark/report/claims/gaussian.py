"""Rules on the Gaussian audit and the loss-threshold attack."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from benchmark.report.claims.finding import Finding, decided, open_question
from benchmark.report.evidence import Evidence, Membership
from benchmark.report.material import FRESH, SEEN, Material
from benchmark.report.roc import FloatArray, auc_deviation, audit_band, loss_attack_band
from leaderboard import Interval, paired_interval
from leaderboard.text import interval_text

FPR = 0.01


def pooled(material: Material, method: str, name: str = SEEN) -> dict[str, list[FloatArray]]:
    """Return the statistics of every poison by scenario, one array per seed, of a method at the largest budget."""
    found: dict[str, list[FloatArray]] = {}
    for board in material.headline_boards:
        for entry, seeds in material.results(board.entry.scenario, board.budget):
            values = [material.statistics(seed, name) for seed in seeds] if entry.method.name == method else []
            if values and all(value is not None for value in values):
                found[board.entry.scenario] = [value for value in values if value is not None]
    return found


def retrain_is_null(evidence: Evidence) -> Finding:
    """Judge the retrain baselines by their true-positive rate.

    True-positive rate of the Gaussian audit at a false-positive rate of .01, mean over the retrain baselines of all
    seeds. Reproduced: within the 95 % binomial band of N(0, 1) in every scenario. Not reproduced: outside in one by
    Bonferroni's correction for the number of scenarios. Otherwise open.
    """
    found = pooled(evidence.material, "retrain")
    if not found:
        return open_question("no retrain baseline with its audit in the store")
    told, inside, outside = [], [], []
    for scenario, seeds in found.items():
        rate = float(np.mean([np.mean(values > -ndtri(FPR)) for values in seeds]))
        low, high = audit_band(len(seeds[0]), FPR, len(seeds))
        wide_low, wide_high = audit_band(len(seeds[0]), FPR, len(seeds), 1 - 0.05 / len(found))
        told.append(f"{scenario}: {rate:.4f}, band [{low:.4f}, {high:.4f}]")
        inside.append(low <= rate <= high)
        outside.append(not wide_low <= rate <= wide_high)
    return decided("; ".join(told), yes=all(inside), no=any(outside))


def histograms(evidence: Evidence) -> Finding:
    """Judge by the means of the audit's statistic.

    Mean of I over poisons, by seed. Reproduced, where in every scenario: the interval for fresh noise in the poisoned
    model holds 0, that for the noise it saw lies above 0, and that of NGD's model lies above 0, too. Not reproduced:
    where an interval that should lie above 0 holds only values up to 0, or the 99 % interval for fresh noise excludes
    0. Otherwise open.
    """
    material = evidence.material
    fresh, seen, after = (
        pooled(material, *which) for which in (("no_unlearning", FRESH), ("no_unlearning",), ("ngd",))
    )
    scenarios = sorted(fresh.keys() & seen.keys() & after.keys())
    if not scenarios:
        return open_question("no poisoned model and NGD model with their audits in the store")
    told, good, bad = [], [], []
    for scenario in scenarios:
        null, before, left = (_mean_over_seeds(group[scenario]) for group in (fresh, seen, after))
        surely = paired_interval([float(values.mean()) for values in fresh[scenario]], 0.99)
        told.append(
            f"{scenario}: fresh {interval_text(null)}, poisoned {interval_text(before)}, "
            f"after NGD {interval_text(left)}"
        )
        good.append(null.low <= 0 <= null.high and before.low > 0 and left.low > 0)
        bad.append(surely.clearance > 0 or before.high <= 0 or left.high <= 0)
    return decided("; ".join(told), yes=all(good), no=any(bad))


def membership_misses(evidence: Evidence) -> Finding:
    """Judge by what both attacks see of the same models.

    True-positive rates at a false-positive rate of .01 of every unlearned model (largest budget up to 10 %), methods
    that diverged or lose accuracy left out. Reproduced: for every method the mean over seeds of the loss attack lies
    within the 95 % band of chance (Bonferroni over methods) while that of the Gaussian audit lies above its band. Not
    reproduced: for some method whose audit lies above its band, the loss attack does, too (both by Bonferroni).
    Otherwise open.
    """
    groups = _kept_accuracy(evidence)
    if not groups:
        return open_question("no models of a Gaussian poison on images in the store")
    blind, seen_by_both, told = [], [], []
    level = 1 - 0.05 / len(groups)
    for (_, method), rows in sorted(groups.items()):
        seeds, first = len(rows), rows[0]
        loss, audit = (float(np.mean([getattr(row, name) for row in rows])) for name in ("loss_tpr", "audit_tpr"))
        low, high = loss_attack_band(first.members, first.held_out, FPR, seeds, level)
        ceiling = audit_band(first.members, FPR, seeds, level)[1]
        blind.append(low <= loss <= high and audit > ceiling)
        seen_by_both.append(loss > high and audit > ceiling)
        told.append(
            f"{method}: loss attack {loss:.3f} (band [{low:.3f}, {high:.3f}]), audit {audit:.3f} (up to {ceiling:.3f})"
        )
    counts = (
        f"{sum(blind)} of {len(blind)} methods look unlearned to the loss attack alone, in {sum(seen_by_both)} both "
        "find the poison"
    )
    return decided(f"{counts}; {'; '.join(told)}", yes=all(blind), no=any(seen_by_both))


def membership_misses_everywhere(evidence: Evidence) -> Finding:
    """Judge by the areas under the curves of both attacks.

    Mean area under the curve over seeds, models as for the rate at .01. Reproduced: for every method the loss attack's
    area lies within the 95 % band of chance (Mann-Whitney, Bonferroni over methods) while the interval of the audit's
    lies above .5. Not reproduced: for some method the interval of the loss attack's area lies above that band as a
    whole. Otherwise open. This rule was added after a first look at the data, because the rate at .01 alone hides what
    the area shows.
    """
    groups = _kept_accuracy(evidence)
    if not groups:
        return open_question("no models of a Gaussian poison on images in the store")
    blind, seen, told = [], [], []
    quantile = float(ndtri(1 - 0.025 / len(groups)))
    for (_, method), rows in sorted(groups.items()):
        loss, audit = (paired_interval([getattr(row, name) for row in rows]) for name in ("loss_auc", "audit_auc"))
        wide = quantile * auc_deviation(rows[0].members, rows[0].held_out, len(rows))
        blind.append(abs(loss.estimate - 0.5) <= wide and audit.low > 0.5)
        seen.append(loss.low > 0.5 + wide)
        told.append(
            f"{method}: loss attack {interval_text(loss, 3)} (chance up to {0.5 + wide:.3f}), "
            f"audit {interval_text(audit, 3)}"
        )
    counts = f"the loss attack finds the forget set in {sum(seen)} of {len(seen)} methods"
    return decided(f"{counts}; {'; '.join(told)}", yes=all(blind), no=any(seen))


def _kept_accuracy(evidence: Evidence) -> Mapping[tuple[str, str], Sequence[Membership]]:
    kept = {
        (board.entry.scenario, board.budget, row.name)
        for board in evidence.material.headline_boards
        for row in board.methods
        if row.contender and not row.contender.diverged and not row.contender.loses_accuracy
    }
    groups: dict[tuple[str, str], list[Membership]] = {}
    for row in evidence.memberships:
        if (row.scenario, row.budget, row.method) in kept:
            groups.setdefault((row.scenario, row.method), []).append(row)
    return groups


def _mean_over_seeds(seeds: Sequence[FloatArray]) -> Interval:
    return paired_interval([float(values.mean()) for values in seeds])
