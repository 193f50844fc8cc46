"""What intervals and ranks promise, checked on synthetic boards of the size of ours: 5 to 8 seeds."""

from dataclasses import dataclass

import numpy as np
import pytest

from leaderboard.contender import Contender
from leaderboard.ranking import rank_methods
from leaderboard.statistics import Residual, paired_interval, residual

COUNTS = (5, 6, 8)
BOARDS = 2000
LOW, HIGH = 0.93, 0.97


@dataclass(frozen=True)
class Regime:
    """How the effects of one board come about.

    ``rho`` is the true residual, ``rise`` what the poison adds; ``own``, ``strength`` and ``retrain`` are the standard
    deviations of what is drawn for the method, for the poison and for the retrain baseline of each seed; ``shared`` is
    that of what a seed adds to all three.
    """

    rho: float
    rise: float = 0.9
    own: float = 0.05
    strength: float = 0.05
    retrain: float = 0.05
    shared: float = 0.0

    def draw(self, generator, count):
        shared = generator.normal(0, self.shared, count)
        strength = self.rise + generator.normal(0, self.strength, count)
        own, retrain = (shared + generator.normal(0, spread, count) for spread in (self.own, self.retrain))
        return own + self.rho * strength, shared + strength, retrain


REGIMES = {
    "equal variances": Regime(rho=0.5),
    "as clean as retraining": Regime(rho=0.0, shared=0.02),
    "nothing removed": Regime(rho=1.0, shared=0.02),
    "the method is noisy": Regime(rho=0.5, own=0.2, retrain=0.03),
    "the poison is noisy": Regime(rho=0.3, own=0.03, strength=0.15, retrain=0.03),
    "seeds move everything": Regime(rho=0.7, shared=0.3),
    "overshot": Regime(rho=-0.4, shared=0.05),
    "far beyond the poison": Regime(rho=7.0, own=0.5),
    "a small poison": Regime(rho=0.5, rise=0.3),
}


@pytest.mark.parametrize("regime", REGIMES.values(), ids=REGIMES.keys())
@pytest.mark.parametrize("count", COUNTS)
def test_residual_and_mean_lie_in_their_intervals_as_often_as_promised(regime, count):
    generator = np.random.default_rng(count)
    ratio, mean = [], []
    for _ in range(BOARDS):
        unlearned, poisoned, retrain = regime.draw(generator, count)
        found, difference = residual(unlearned, poisoned, retrain), paired_interval(unlearned - retrain)
        assert found.took
        ratio.append(found.interval.low <= regime.rho <= found.interval.high)
        mean.append(difference.low <= regime.rho * regime.rise <= difference.high)
    assert LOW <= np.mean(ratio) <= HIGH
    assert LOW <= np.mean(mean) <= HIGH


@pytest.mark.parametrize("count", COUNTS)
def test_rates_of_a_backdoor_are_normal_enough(count):
    """Successes among 1,000 test samples, at a rate that varies between seeds."""
    generator = np.random.default_rng(count)
    covered = []
    for _ in range(BOARDS):
        rates = (np.clip(generator.normal(0.5, 0.08, count), 0, 1), np.clip(generator.normal(0.95, 0.02, count), 0, 1))
        unlearned, poisoned = (generator.binomial(1000, rate) / 1000 for rate in rates)
        found = residual(unlearned, poisoned, generator.binomial(1000, 0.05, count) / 1000)
        covered.append(found.interval.low <= 0.5 <= found.interval.high)
    assert LOW <= np.mean(covered) <= HIGH


@pytest.mark.parametrize("count", COUNTS)
def test_residuals_are_right_where_only_some_boards_show_that_the_attack_took(count):
    """A poison of 1.6 standard deviations: the boards in which it is not significant give no residual."""
    generator = np.random.default_rng(count)
    found = [residual(*Regime(rho=0.5, rise=0.12).draw(generator, count)) for _ in range(BOARDS)]
    covered = [one.interval.low <= 0.5 <= one.interval.high for one in found if one.took]
    assert 0.5 < len(covered) / BOARDS < 1
    assert all(one.interval is None for one in found if not one.took)
    assert LOW <= np.mean(covered) <= HIGH


PAIRS = {
    "unequal variances": (0.27, 0.27, 0.02, 0.15, 0.03),
    "independent": (0.27, 0.27, 0.05, 0.05, 0.0),
    "on two sides of retraining": (0.27, -0.27, 0.05, 0.05, 0.0),
    "as clean as retraining": (0.0, 0.0, 0.02, 0.1, 0.0),
}
"""Means of the excess of two methods equally far from retraining, their spreads, and the spread of what they share."""


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
@pytest.mark.parametrize("count", [5, 8])
def test_equal_methods_are_separated_in_at_most_five_per_cent_of_boards(pair, count):
    mean_a, mean_b, spread_a, spread_b, spread_shared = pair
    generator = np.random.default_rng(count)
    separated = 0
    for _ in range(BOARDS):
        shared = generator.normal(0, spread_shared, count)
        a = contender("a", mean_a + shared + generator.normal(0, spread_a, count), generator.normal(0, 0.3, count))
        b = contender("b", mean_b + shared + generator.normal(0, spread_b, count), generator.normal(0, 0.3, count))
        rank = rank_methods([a, b])["a"]
        separated += rank.first == rank.last
    assert separated / BOARDS <= 0.05


def contender(name, excess, gaps):
    return Contender(
        name=name,
        excess=dict(enumerate(excess.tolist())),
        gaps=dict(enumerate(gaps.tolist())),
        residual=Residual(paired_interval(excess), took=True),
        gap=paired_interval(gaps),
        exceeds_budget=False,
    )
