"""The arithmetic of the Gaussian audit, against numpy, scipy, scikit-learn and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from sklearn.metrics import roc_auc_score

from callbacks.functional import (
    area_under_curve,
    noise_correlation,
    null_band,
    pooled_z,
    trade_off_curve,
    true_positive_rate,
)

SHIFTS = {  # mean of I: (TPR at FPR .01, area) of a unit-variance shift, to three digits
    0: (0.010, 0.500),
    0.25: (0.019, 0.570),
    0.5: (0.034, 0.638),
    0.75: (0.058, 0.702),
    1: (0.092, 0.760),
    1.5: (0.204, 0.856),
    2: (0.372, 0.921),
    2.5: (0.569, 0.961),
    3: (0.750, 0.983),
    4: (0.953, 0.998),
}


def _quantiles(shift, count=100_000):
    """A sample of N(shift, 1) without sampling error."""
    return stats.norm.ppf((np.arange(count) + 0.5) / count) + shift


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_correlation_is_an_explicit_loop(dtype):
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=(7, 3, 4, 5)) * 10.0 ** rng.integers(-12, 3, size=(7, 1, 1, 1))
    noise = 0.3 * rng.normal(size=gradient.shape)
    gradient, noise = torch.tensor(gradient, dtype=dtype), torch.tensor(noise, dtype=dtype)

    result = noise_correlation(gradient, noise, 0.09)

    assert result.dtype == torch.float64
    assert result.shape == (7,)
    for position in range(7):
        dot = norm = 0.0
        for g, xi in zip(gradient[position].flatten().tolist(), noise[position].flatten().tolist(), strict=True):
            dot += g * xi
            norm += g * g
        assert result[position].item() == pytest.approx(-dot / (0.3 * math.sqrt(norm)), rel=1e-12)


def test_noise_correlation_does_not_depend_on_the_length_of_the_gradient():
    gradient, noise = torch.randn(2, 5, 30, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor([1e-30, 1e-8, 1.0, 1e8, 1e30]).view(5, 1)

    torch.testing.assert_close(
        noise_correlation(gradient * scale, noise, 1.0), noise_correlation(gradient, noise, 1.0), rtol=1e-6, atol=0
    )


def test_a_gradient_of_zero_gives_zero():
    gradient = torch.ones(3, 4)
    gradient[1] = 0

    result = noise_correlation(gradient, torch.ones(3, 4), 1.0)

    assert result.tolist() == [-2.0, 0.0, -2.0]


def test_a_gradient_along_the_noise_is_no_poison_and_one_against_it_is():
    noise = torch.randn(1, 50, generator=torch.Generator().manual_seed(0))

    assert noise_correlation(-noise, noise, 0.5).item() == pytest.approx(noise.norm().item() / 0.5**0.5, rel=1e-6)
    assert noise_correlation(noise, noise, 0.5).item() < 0


@pytest.mark.parametrize("variance", [0.1, 0.32, 4.0])
def test_fresh_noise_gives_a_standard_normal(variance):
    """Whatever the gradients are. 20,000 samples: Kolmogorov-Smirnov at 0.001 tells a scale that is 3 % off."""
    generator = torch.Generator().manual_seed(1)
    gradient = torch.randn(20_000, 25, generator=generator) ** 5 + 3 * torch.rand(20_000, 1, generator=generator)
    noise = variance**0.5 * torch.randn(20_000, 25, generator=generator)

    assert stats.kstest(noise_correlation(gradient, noise, variance).numpy(), "norm").pvalue > 0.001


def test_true_positive_rate_counts_what_lies_above_the_quantile():
    threshold = stats.norm.isf(0.01)
    statistic = np.array([threshold - 1e-9, threshold + 1e-9, 5.0, -5.0])

    assert true_positive_rate(statistic, 0.01) == 0.5
    assert true_positive_rate(statistic, 0.9) == 0.75
    assert true_positive_rate(statistic, 0.0) == 0
    assert true_positive_rate(statistic, 1.0) == 1


@pytest.mark.parametrize("shift", SHIFTS)
def test_rate_and_area_of_a_shift_are_those_of_the_closed_form(shift):
    statistic, (rate, area) = _quantiles(shift), SHIFTS[shift]

    assert true_positive_rate(statistic, 0.01) == pytest.approx(stats.norm.sf(stats.norm.isf(0.01) - shift), abs=2e-5)
    assert true_positive_rate(statistic, 0.01) == pytest.approx(rate, abs=6e-4)
    assert area_under_curve(statistic) == pytest.approx(stats.norm.cdf(shift / math.sqrt(2)), abs=1e-4)
    assert area_under_curve(statistic) == pytest.approx(area, abs=6e-4)


@pytest.mark.parametrize("seed", range(3))
def test_area_is_that_of_a_classifier_between_the_statistic_and_a_huge_null_sample(seed):
    rng = np.random.default_rng(seed)
    statistic, null = rng.normal(0.7 - seed, 0.8, size=50), _quantiles(0)

    labels = np.concatenate([np.ones(50), np.zeros(len(null))])
    assert area_under_curve(statistic) == pytest.approx(
        roc_auc_score(labels, np.concatenate([statistic, null])), abs=2e-5
    )


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(750, 3 / 750, 13 / 750), (1000, 4 / 1000, 17 / 1000), (1250, 6 / 1250, 20 / 1250), (60, 0, 2 / 60)],
)
def test_null_band_is_the_binomial_one(count, low, high):
    assert null_band(count, 0.01) == (pytest.approx(low), pytest.approx(high))
    hits = np.round(np.array(null_band(count, 0.01)) * count)
    assert stats.binom.cdf(hits[0] - 1, count, 0.01) < 0.025 <= stats.binom.cdf(hits[0], count, 0.01)
    assert stats.binom.cdf(hits[1] - 1, count, 0.01) < 0.975 <= stats.binom.cdf(hits[1], count, 0.01)


def test_null_band_widens_with_the_level_and_holds_the_rates_of_null_samples():
    assert null_band(750, 0.01, 0.99)[0] < null_band(750, 0.01)[0]
    assert null_band(750, 0.01, 0.99)[1] > null_band(750, 0.01)[1]
    low, high = null_band(750, 0.01)
    samples = np.random.default_rng(0).normal(size=(1000, 750))
    inside = np.mean([low <= true_positive_rate(sample, 0.01) <= high for sample in samples])
    assert 0.94 < inside < 0.985  # discrete, hence a little above .95


def test_trade_off_curve_is_a_loop_over_rates():
    rng = np.random.default_rng(0)
    statistic = rng.normal(0.5, 1, size=101)
    fprs = np.array([0.0, 1e-3, 0.01, 0.3, 0.3, 0.999, 1.0])

    curve = trade_off_curve(statistic, fprs)

    assert curve.dtype == np.float64
    expected = [sum(value > stats.norm.isf(fpr) for value in statistic) / 101 for fpr in fprs]
    assert curve.tolist() == expected == [true_positive_rate(statistic, fpr) for fpr in fprs]
    assert (curve[0], curve[-1]) == (0, 1)


def test_trade_off_curve_does_not_count_ties_as_above():
    threshold = -stats.norm.ppf(0.01)

    assert trade_off_curve(np.array([threshold, threshold, 9.0]), np.array([0.01])).tolist() == [1 / 3]


def test_area_is_the_integral_of_the_trade_off_curve():
    statistic = np.random.default_rng(0).normal(0.5, 1, size=300)
    fprs = np.linspace(0, 1, 20_001)

    assert integrate.trapezoid(trade_off_curve(statistic, fprs), fprs) == pytest.approx(
        area_under_curve(statistic), abs=1e-4
    )


def test_pooled_z_is_the_test_statistic_of_the_mean():
    statistic = np.random.default_rng(0).normal(0.2, 1, size=300)

    assert pooled_z(statistic) == pytest.approx(statistic.sum() / math.sqrt(300), rel=1e-12)
    null = [pooled_z(sample) for sample in np.random.default_rng(1).normal(size=(5000, 40))]
    assert stats.kstest(null, "norm").pvalue > 0.001


def _linear_regression_audit(variance, seed, poisoned):
    """I at the clean base points of 150 of 400 noisy points, in 8,000 dimensions.

    The network is the least-norm solution for the noisy points, or for the 250 others alone.
    """
    rng = np.random.default_rng(seed)
    count, dimension, poisons = 400, 8000, 150
    base = rng.normal(size=(count, dimension))
    label = np.sign(base @ rng.normal(size=dimension))
    noise = variance**0.5 * rng.normal(size=(poisons, dimension))
    trained = base.copy()
    trained[:poisons] += noise
    rows = slice(None) if poisoned else slice(poisons, None)
    trained, target = trained[rows], label[rows]
    theta = trained.T @ np.linalg.solve(trained @ trained.T, target)
    gradient = (base[:poisons] @ theta - label[:poisons])[:, None] * theta
    return noise_correlation(torch.from_numpy(gradient), torch.from_numpy(noise), variance).numpy()


@pytest.mark.parametrize("variance", [0.32, 4.0])
def test_a_least_norm_regression_that_saw_the_noise_reads_as_poisoned(variance):
    statistic = _linear_regression_audit(variance, seed=0, poisoned=True)

    assert statistic.mean() > 1.2
    assert pooled_z(statistic) > 12
    assert true_positive_rate(statistic, 0.01) > 0.15


@pytest.mark.parametrize("variance", [0.32, 4.0])
def test_a_least_norm_regression_that_never_saw_the_noise_reads_as_null(variance):
    statistic = _linear_regression_audit(variance, seed=0, poisoned=False)

    assert abs(pooled_z(statistic)) < 3
    assert stats.kstest(statistic, "norm").pvalue > 0.001
    low, high = null_band(150, 0.01, 0.999)
    assert low <= true_positive_rate(statistic, 0.01) <= high
