"""Rules on the paper's two hypotheses, from convex models on a network's features."""

from collections.abc import Sequence

import numpy as np

from benchmark.report.claims.finding import PAPER_ATTACKS, Finding, Rule, decided, open_question
from benchmark.report.evidence import Alignment, Evidence, Shift
from leaderboard import Interval, paired_interval
from leaderboard.text import interval_text


def larger_shift(evidence: Evidence) -> Finding:
    """Judge by ratios of shifts.

    Logarithm of the ratio of L1 shifts, all poisons removed against equally many random clean points, t interval
    over seeds, for each of the paper's attacks on images. Reproduced: every ratio above 1 as a whole. Not reproduced:
    some ratio below 1 as a whole. Otherwise open.
    """
    ratios = shift_ratios([row for row in evidence.shifts if row.attack in PAPER_ATTACKS and row.fraction == 1])
    if not ratios:
        return open_question("no features of a network in the store")
    told = "; ".join(f"{attack}: {interval_text(ratio)}" for (attack, _), ratio in ratios.items())
    return decided(
        told, yes=all(ratio.low > 1 for ratio in ratios.values()), no=any(ratio.high < 1 for ratio in ratios.values())
    )


def growing_shift(evidence: Evidence) -> Finding:
    """Judge by differences of shifts.

    L1 shift for all poisons minus that for the least share of them, t interval over seeds, for each of the paper's
    attacks on images. Reproduced: every difference above 0 as a whole. Not reproduced: some below 0 as a whole.
    """
    rows = [row for row in evidence.shifts if row.attack in PAPER_ATTACKS and row.removed == "poison"]
    if not rows:
        return open_question("no features of a network in the store")
    least, told, differences = min(row.fraction for row in rows), [], []
    for attack in sorted({row.attack for row in rows}):
        by_seed = {(row.seed, row.fraction): row.exact for row in rows if row.attack == attack}
        seeds = sorted({seed for seed, _ in by_seed})
        difference = paired_interval([by_seed[seed, 1.0] - by_seed[seed, least] for seed in seeds])
        differences.append(difference)
        told.append(f"{attack}: {interval_text(difference)} (100 % against {100 * least:g} %)")
    return decided(
        "; ".join(told),
        yes=all(interval.low > 0 for interval in differences),
        no=any(interval.high < 0 for interval in differences),
    )


def shift_ratios(rows: Sequence[Shift]) -> dict[tuple[str, float], Interval]:
    """Return by attack and fraction the ratio of the shift for poisons to that for random points.

    It is the geometric mean over seeds, with the t interval of the logarithm.
    """
    found: dict[tuple[str, float], dict[int, dict[str, float]]] = {}
    for row in rows:
        found.setdefault((row.attack, row.fraction), {}).setdefault(row.seed, {})[row.removed] = row.exact
    logs = {
        key: [np.log(pair["poison"] / pair["random"]) for pair in by_seed.values()] for key, by_seed in found.items()
    }
    return {key: _exponential(paired_interval(values)) for key, values in sorted(logs.items())}


def small_cosine(regime: str) -> Rule:
    """Return the rule for "the clean gradient step is orthogonal to the desired shift"."""

    def rule(evidence: Evidence) -> Finding:
        """Judge by the cosine for poisons.

        Mean over seeds of the cosine between the gradient step on the retain set and the shift from the poisoned to
        the retrained optimum, for each of the paper's attacks on images. Reproduced: every interval within ±0.1. Not
        reproduced: some interval outside ±0.1 as a whole. Otherwise open.
        """
        groups = _by_attack(evidence.alignments, regime, "poison")
        if not groups:
            return open_question("no features of a network in the store")
        intervals = {attack: paired_interval([row.gradient for row in rows]) for attack, rows in groups.items()}
        told = "; ".join(f"{attack}: {interval_text(interval, 3)}" for attack, interval in intervals.items())
        return decided(
            told,
            yes=all(interval.reach <= 0.1 for interval in intervals.values()),
            no=any(interval.clearance > 0.1 for interval in intervals.values()),
        )

    return rule


def smaller_cosine(regime: str) -> Rule:
    """Return the rule for "it is more orthogonal for poisons than for random points"."""

    def rule(evidence: Evidence) -> Finding:
        """Judge by differences of cosines.

        Cosine for random clean points minus cosine for poisons, paired by seed, for each of the paper's attacks on
        images. Reproduced: every interval above 0. Not reproduced: some interval below 0. Otherwise open.
        """
        poison, random = (_by_attack(evidence.alignments, regime, which) for which in ("poison", "random"))
        if not poison:
            return open_question("no features of a network in the store")
        intervals = {
            attack: paired_interval([b.gradient - a.gradient for a, b in zip(rows, random[attack], strict=True)])
            for attack, rows in poison.items()
        }
        told = "; ".join(f"{attack}: {interval_text(interval, 3)}" for attack, interval in intervals.items())
        return decided(
            told,
            yes=all(interval.low > 0 for interval in intervals.values()),
            no=any(interval.high < 0 for interval in intervals.values()),
        )

    return rule


def _by_attack(rows: Sequence[Alignment], regime: str, removed: str) -> dict[str, list[Alignment]]:
    groups: dict[str, list[Alignment]] = {}
    for row in sorted(rows, key=lambda row: row.seed):
        if row.regime == regime and row.removed == removed and row.attack in PAPER_ATTACKS:
            groups.setdefault(row.attack, []).append(row)
    return groups


def _exponential(interval: Interval) -> Interval:
    return Interval(*(float(np.exp(value)) for value in (interval.estimate, interval.low, interval.high)))
