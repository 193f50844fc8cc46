"""Arithmetic of the measurements: pure functions of arrays."""

import math

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtr, ndtri
from scipy.stats import binom
from torch import Tensor

FloatArray = npt.NDArray[np.float64]


def noise_correlation(gradient: Tensor, noise: Tensor, variance: float) -> Tensor:
    """Return I = -<g, xi> / (sqrt(variance) * ||g||) per sample.

    A network that never saw the noise gives N(0, 1) exactly: g is then independent of xi, and I is the projection of an
    isotropic Gaussian on a unit vector. Training lowers the loss along the noise it saw, so g, the gradient of the
    loss at the clean base sample, points against xi; with the minus sign, poison that is left gives positive values.

    Args:
        gradient: ``(P, ...)``, gradient of the loss with respect to the clean base inputs.
        noise: ``(P, ...)``, the noise that was added to them.
        variance: variance of each coordinate of the noise.

    Returns:
        ``(P,)`` float64. A gradient that is exactly zero has no direction and gives 0.

    Source: Pawelczyk et al., ICLR 2025, Algorithm 1; the sign as measured for this suite.
    """
    flat = gradient.flatten(1).double()
    dot = (flat * noise.flatten(1).double()).sum(1)
    norm = flat.norm(dim=1)
    tiny = torch.finfo(torch.float64).tiny
    correlation: Tensor = -dot / (variance**0.5 * norm.clamp_min(tiny))
    return correlation


def true_positive_rate(statistic: FloatArray, fpr: float) -> float:
    """Return the share of ``statistic`` ``(P,)`` above the value that a share ``fpr`` of N(0, 1) exceeds."""
    return float(np.mean(statistic > -ndtri(fpr)))


def null_band(count: int, fpr: float, level: float = 0.95) -> tuple[float, float]:
    """Return the central band of the true-positive rate over ``count`` null samples: binomial, as fractions."""
    tail = (1 - level) / 2
    low, high = binom.ppf([tail, 1 - tail], count, fpr)
    return float(low / count), float(high / count)


def area_under_curve(statistic: FloatArray) -> float:
    """Return P(N(0, 1) < I) for I from ``statistic`` ``(P,)``: area under the trade-off curve, 0.5 under the null."""
    return float(np.mean(ndtr(statistic)))


def trade_off_curve(statistic: FloatArray, fprs: FloatArray) -> FloatArray:
    """Return the true-positive rate at each of ``fprs`` ``(F,)``, both in [0, 1]."""
    ordered = np.sort(statistic)
    above = len(ordered) - np.searchsorted(ordered, -ndtri(fprs), side="right")
    return np.asarray(above / len(ordered), dtype=np.float64)


def pooled_z(statistic: FloatArray) -> float:
    """Return sqrt(P) times the mean: N(0, 1) under the null."""
    return float(math.sqrt(len(statistic)) * np.mean(statistic))
