import math

import numpy as np
import pytest

from leaderboard.statistics import Interval, Residual, noise_floor, residual
from leaderboard.verdict import capped, judge, loses_accuracy, over_budget

FINE = Interval(0.0, -0.3, 0.3)


def verdict(estimate, low, high, *, floor=0.1, gap=FINE, took=True, lost=False, exceeds_budget=False):
    return judge(Residual(Interval(estimate, low, high), took), floor, gap, lost=lost, exceeds_budget=exceeds_budget)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("removed", {"estimate": 0.05, "low": -0.1, "high": 0.2}),
        ("removed", {"estimate": 0.05, "low": -0.1, "high": 0.2, "gap": Interval(-0.9, -2.0, 0.2)}),
        ("removed", {"estimate": 0.05, "low": -0.1, "high": 0.2, "gap": Interval(9.0, 8.0, 10.0)}),
        ("removed", {"estimate": 0.005, "low": 0.005, "high": 0.005, "floor": 0.0}),
        ("not removed", {"estimate": 0.3, "low": 0.2, "high": 0.4}),
        ("not removed, accuracy lost", {"estimate": 0.3, "low": 0.2, "high": 0.4, "lost": True}),
        ("not removed", {"estimate": 0.02, "low": 0.015, "high": 0.025, "floor": 0.0}),
        ("overshot", {"estimate": -0.3, "low": -0.4, "high": -0.2}),
        ("overshot, accuracy lost", {"estimate": -0.3, "low": -0.4, "high": -0.2, "lost": True}),
        ("accuracy lost", {"estimate": 0.0, "low": -0.1, "high": 0.1, "gap": Interval(-3, -4, -2), "lost": True}),
        ("inconclusive, accuracy lost", {"estimate": 0.2, "low": 0.05, "high": 0.35, "lost": True}),
        ("inconclusive, accuracy lost", {"estimate": 0.05, "low": -0.5, "high": 0.6, "lost": True}),
        ("inconclusive", {"estimate": 0.0, "low": -0.1, "high": 0.1, "gap": Interval(-1.5, -3.0, 0.0)}),
        ("inconclusive", {"estimate": 0.2, "low": 0.05, "high": 0.35}),
        ("inconclusive", {"estimate": 0.05, "low": -0.5, "high": 0.6}),
        ("inconclusive", {"estimate": 0.05, "low": -0.6, "high": 0.5}),
        ("inconclusive", {"estimate": 0.05, "low": 0.0, "high": 0.1, "floor": 0.6}),
        ("inconclusive", {"estimate": 1.0, "low": 1.0, "high": 1.0, "floor": 1.2}),
        ("over budget", {"estimate": 0.05, "low": -0.1, "high": 0.2, "exceeds_budget": True}),
        ("over budget", {"estimate": 0.3, "low": 0.2, "high": 0.4, "lost": True, "exceeds_budget": True}),
        ("one seed", {"estimate": 0.05, "low": -math.inf, "high": math.inf, "took": None}),
    ],
)
def test_verdict(expected, given):
    assert verdict(**given) == expected


def test_without_numbers():
    assert judge(Residual(None, took=False), math.inf, FINE, lost=True, exceeds_budget=True) == "did not take"
    assert judge(None, 0.1, None, lost=False, exceeds_budget=True) == "diverged"


@pytest.mark.parametrize(
    ("expected", "gaps"),
    [
        (False, [-1.2, -1.6, -0.2, -0.9, -1.2]),
        (True, [-2.4, -2.7, -1.4, -2.1, -2.4]),
        (True, [-5.3, -4.6, -16.7, -14.5, -2.6]),  # some models are destroyed: no excuse
        (True, [-27.5, -5.3, -61.0]),
        (False, [0.5, 0.2, -61.0]),  # one of three is destroyed: the seeds cannot say
        (False, [-1.0, -1.0, -1.0]),
        (False, [-60.0]),
    ],
)
def test_accuracy_is_lost_where_the_seeds_agree_that_it_is(expected, gaps):
    assert loses_accuracy(gaps) == expected


def test_losses_are_capped_and_gains_are_not():
    assert capped([-60.0, -5.0, -1.0, 9.0]).tolist() == [-5.0, -5.0, -1.0, 9.0]


@pytest.mark.parametrize("spread", [0.3, 2.0])
@pytest.mark.parametrize("count", [3, 5, 8])
def test_method_on_the_edge_of_the_tolerance_is_rarely_called_lost(count, spread):
    generator = np.random.default_rng(count)
    called = np.mean([loses_accuracy(generator.normal(-1.0, spread, count)) for _ in range(3000)])
    assert called <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 3000)


def test_budget_is_exceeded_by_more_than_rounding():
    assert not over_budget(0.1 + 1e-17, 0.1)
    assert over_budget(0.1001, 0.1)


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.2])
def test_noise_is_not_mistaken_for_removal(noise):
    """Methods that leave half of the poison are called "removed" in at most 2.5 % of boards, however noisy."""
    generator = np.random.default_rng(0)
    called = []
    for _ in range(1500):
        retrain, second, own, strength = generator.normal(0, noise, (4, 3))
        poisoned = 0.9 + strength
        found = residual(0.5 * poisoned + own, poisoned, retrain)
        floor = noise_floor(second, poisoned, retrain)
        called.append(judge(found, floor, FINE, lost=False, exceeds_budget=False) == "removed")
    assert np.mean(called) <= 0.025


def test_method_that_equals_retraining_is_called_removed():
    generator = np.random.default_rng(0)
    called = []
    for _ in range(1000):
        retrain, second, own = generator.normal(0, 0.05, (3, 5))
        poisoned = 0.9 + generator.normal(0, 0.05, 5)
        found, floor = residual(own, poisoned, retrain), noise_floor(second, poisoned, retrain)
        called.append(judge(found, floor, FINE, lost=False, exceeds_budget=False) == "removed")
    assert np.mean(called) >= 0.95
