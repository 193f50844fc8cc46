import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from leaderboard.statistics import (
    accuracy_gap,
    clopper_pearson,
    fieller_interval,
    noise_floor,
    paired_interval,
    residual,
)


def draw(generator, count, rho, noise=0.05, rise=0.9):
    """Effects of one scenario: what a seed shares moves all four models, the poison's strength moves two."""
    shared, strength = generator.normal(0, 0.02, count), rise + generator.normal(0, noise, count)
    retrain, second, own = (shared + generator.normal(0, noise, count) for _ in range(3))
    return {
        "unlearned": own + rho * strength,
        "poisoned": shared + strength,
        "retrain": retrain,
        "second_retrain": second,
    }


def judged(effects):
    return residual(effects["unlearned"], effects["poisoned"], effects["retrain"])


@pytest.mark.parametrize("count", [2, 3, 5, 8])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_paired_interval_is_that_of_scipy(count, level):
    values = np.random.default_rng(count).normal(0.3, 1, count)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    interval = paired_interval(values, level)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.estimate == pytest.approx(values.mean())


@pytest.mark.parametrize("count", [2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_fieller_interval_inverts_the_t_test(count, seed):
    generator = np.random.default_rng(seed)
    bottom = generator.normal(0.9, 0.02, count)
    top = 0.4 * bottom + generator.normal(0, 0.01, count)
    interval = fieller_interval(top, bottom)
    grid = np.linspace(interval.low - 0.2, interval.high + 0.2, 2001)
    accepted = grid[stats.ttest_1samp(top[:, None] - grid * bottom[:, None], 0).pvalue > 0.05]
    step = grid[1] - grid[0]
    assert accepted.size == pytest.approx((interval.high - interval.low) / step, abs=2)
    assert accepted.min() == pytest.approx(interval.low, abs=step)
    assert accepted.max() == pytest.approx(interval.high, abs=step)
    assert interval.estimate == pytest.approx(top.mean() / bottom.mean())


@pytest.mark.parametrize("count", [3, 5, 8])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_ends_of_the_fieller_interval_are_the_roots_of_the_t_statistic(count, level):
    generator = np.random.default_rng(count)
    critical = stats.t.ppf((1 + level) / 2, count - 1)
    for _ in range(20):
        bottom = generator.normal(0.9, 0.1, count)
        top = generator.uniform(-1, 2) * bottom + generator.normal(0, 0.1, count)

        def excess(theta, top=top, bottom=bottom):
            return abs(stats.ttest_1samp(top - theta * bottom, 0).statistic) - critical

        interval = fieller_interval(top, bottom, level)
        ratio = top.mean() / bottom.mean()
        assert excess(ratio) < 0
        assert interval.low == pytest.approx(brentq(excess, ratio - 50, ratio, xtol=1e-12), abs=1e-8)
        assert interval.high == pytest.approx(brentq(excess, ratio, ratio + 50, xtol=1e-12), abs=1e-8)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_gap_and_rise_are_those_of_a_paired_t_test(count):
    generator = np.random.default_rng(count)
    after, before = generator.uniform(0.5, 0.9, (2, count))
    expected = stats.ttest_rel(100 * after, 100 * before).confidence_interval()
    gap = accuracy_gap(after, before)
    assert (gap.low, gap.high) == pytest.approx((expected.low, expected.high))


def test_fieller_interval_is_unbounded_exactly_where_the_denominator_may_be_zero():
    generator = np.random.default_rng(1)
    seen = set()
    for _ in range(300):
        top, bottom = generator.normal(0.1, 0.1, 4), generator.normal(0.15, 0.1, 4)
        significant = stats.ttest_1samp(bottom, 0).pvalue < 0.05
        seen.add(significant)
        assert fieller_interval(top, bottom).bounded == significant
    assert seen == {True, False}


def test_ratio_of_zero_means_is_not_a_number():
    interval = fieller_interval([1.0, 2.0], [1.0, -1.0])
    assert math.isnan(interval.estimate)
    assert (interval.low, interval.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_intervals_cover_at_the_size_of_our_boards(count):
    generator = np.random.default_rng(count)
    boards = [judged(draw(generator, count, rho=0.3)) for _ in range(6000)]
    assert all(board.took for board in boards)
    covered = np.mean([board.interval.low <= 0.3 <= board.interval.high for board in boards])
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("count", [3, 5, 8])
def test_method_that_equals_retraining_stays_below_the_noise_floor(count):
    generator = np.random.default_rng(count)
    below = []
    for _ in range(3000):
        effects = draw(generator, count, rho=0.0)
        floor = noise_floor(effects["second_retrain"], effects["poisoned"], effects["retrain"])
        below.append(abs(judged(effects).interval.estimate) <= floor)
    assert np.mean(below) >= 0.95


def test_took_is_a_one_sided_paired_t_test_at_two_and_a_half_per_cent():
    generator = np.random.default_rng(2)
    seen = set()
    for _ in range(300):
        retrain = generator.normal(0, 1, 4)
        poisoned = retrain + generator.normal(0.8, 0.6, 4)
        expected = stats.ttest_rel(poisoned, retrain, alternative="greater").pvalue < 0.025
        result = residual(retrain, poisoned, retrain)
        seen.add(bool(expected))
        assert result.took == expected
        assert (result.interval is None) == (not expected)
    assert seen == {True, False}


def test_poison_that_lowers_the_effect_did_not_take():
    assert residual([0.0, 0.1, 0.0], [-1.0, -1.1, -0.9], [0.0, 0.0, 0.1]).took is False
    assert residual([0.0], [-1.0], [0.0]).took is False


def test_anchors_are_zero_and_one_by_construction():
    effects = draw(np.random.default_rng(0), 5, rho=0.3)
    for role, value in (("retrain", 0.0), ("poisoned", 1.0)):
        interval = residual(effects[role], effects["poisoned"], effects["retrain"]).interval
        assert (interval.estimate, interval.low, interval.high) == pytest.approx((value,) * 3, abs=1e-7)


def test_one_seed_gives_an_estimate_and_no_interval():
    result = residual([0.5], [1.0], [0.0])
    assert result.took is None
    assert result.interval.estimate == 0.5
    assert not result.interval.bounded
    assert noise_floor([0.1], [1.0], [0.0]) == math.inf
    assert not accuracy_gap([0.7], [0.71]).bounded


def test_noise_floor_is_the_far_end_of_the_interval_between_retrains():
    poisoned, retrain, second = [0.9, 1.0, 1.1], [0.0, 0.1, 0.0], [-0.1, 0.0, -0.2]
    interval = fieller_interval(np.subtract(second, retrain), np.subtract(poisoned, retrain))
    assert abs(interval.low) > abs(interval.high)
    assert noise_floor(second, poisoned, retrain) == -interval.low
    assert noise_floor(second, retrain, retrain) == math.inf


def test_accuracy_gap_is_in_points():
    gap = accuracy_gap([0.69, 0.70, 0.71], [0.70, 0.72, 0.71])
    assert gap.estimate == pytest.approx(-1.0)
    expected = stats.ttest_rel([69, 70, 71], [70, 72, 71]).confidence_interval()
    assert (gap.low, gap.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("trials", [1, 4, 20, 400])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_clopper_pearson_is_that_of_scipy(trials, level):
    for successes in {*range(min(trials, 21)), trials - 1, trials}:
        expected = stats.binomtest(successes, trials).proportion_ci(level, method="exact")
        interval = clopper_pearson(successes, trials, level)
        assert interval.estimate == successes / trials
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_interval_measures_its_distances_from_zero():
    interval = paired_interval([0.4, 0.5, 0.6])
    assert (interval.clearance, interval.reach) == (interval.low, interval.high)
    mirrored = paired_interval([-0.4, -0.5, -0.6])
    assert (mirrored.clearance, mirrored.reach) == pytest.approx((interval.clearance, interval.reach))
    assert paired_interval([-1.0, 1.0]).clearance == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_interval([]), r"difference must hold one finite number per seed, got \[\]"),
        (lambda: paired_interval([1.0, math.nan]), r"difference .* got \[1.0, nan\]"),
        (lambda: paired_interval([[1.0]]), r"difference .* got shape \(1, 1\)"),
        (lambda: paired_interval([1.0, 2.0], level=1.0), r"level must lie in \(0, 1\), got 1.0"),
        (lambda: paired_interval([1.0], level=0.0), r"level must lie in \(0, 1\), got 0.0"),
        (lambda: fieller_interval([1.0], [1.0, 2.0]), "numerator and denominator must be as long .* got 1 and 2"),
        (lambda: residual([1.0], [1.0, 2.0], [0.0, 0.0]), "unlearned and retrain must be as long .* got 1 and 2"),
        (lambda: residual([1.0, 2.0], [1.0], [0.0, 0.0]), "poisoned and retrain must be as long .* got 1 and 2"),
        (lambda: residual([math.inf], [1.0], [0.0]), r"unlearned must hold .* got \[inf\]"),
        (lambda: clopper_pearson(-1, 4), "successes must be in 0..trials .* got -1 of 4"),
        (lambda: clopper_pearson(5, 4), "successes must be in 0..trials .* got 5 of 4"),
        (lambda: clopper_pearson(0, 0), "trials at least 1, got 0 of 0"),
        (lambda: clopper_pearson(1, 4, level=1.0), r"level must lie in \(0, 1\), got 1.0"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
