"""Trade-off curves, a loss-threshold attack, and what chance gives: pure functions of arrays."""

from functools import reduce

import numpy as np
import numpy.typing as npt
from scipy.stats import betabinom, binom, rankdata

FloatArray = npt.NDArray[np.float64]


def loss_attack_tpr(members: FloatArray, held_out: FloatArray, fpr: float) -> float:
    """Return the share of members whose loss is below the threshold that held-out samples pass at ``fpr``.

    The threshold is the ``floor(fpr * M)``-th smallest held-out loss: a loss at most as great counts as a member's, so
    that the false-positive rate over the held-out samples is ``fpr`` or just below.

    Args:
        members: ``(P,)``, losses of samples that were trained on, in nats.
        held_out: ``(M,)``, losses of samples that were not.
        fpr: in (0, 1), with at least one held-out sample below the threshold.

    Raises:
        ValueError: if there are too few held-out samples for ``fpr``.

    Source: Yeom et al., CSF 2018; Shokri et al., S&P 2017, as Pawelczyk et al., ICLR 2025, use it.
    """
    place = threshold_place(len(held_out), fpr)
    return float(np.mean(members <= np.sort(held_out)[place - 1]))


def threshold_place(count: int, fpr: float) -> int:
    """Return how many of ``count`` held-out samples may pass at ``fpr``.

    Raises:
        ValueError: if that is none.
    """
    place = int(np.floor(fpr * count + 1e-9))
    if place < 1:
        raise ValueError(f"held_out must hold at least {1 / fpr:g} samples for fpr={fpr:g}, got {count}")
    return place


def loss_attack_auc(members: FloatArray, held_out: FloatArray) -> float:
    """Return P(loss of a member < loss of a held-out sample), ties halved: 0.5 where membership does not show.

    Args:
        members: ``(P,)``, losses in nats.
        held_out: ``(M,)``, losses in nats.
    """
    ranks = rankdata(np.concatenate([-held_out, -members]))
    count, total = len(members), len(members) + len(held_out)
    above = ranks[len(held_out) :].sum() - count * (count + 1) / 2
    return float(above / (count * (total - count)))


def loss_attack_band(members: int, held_out: int, fpr: float, seeds: int, level: float = 0.95) -> tuple[float, float]:
    """Return the central band of the mean true-positive rate over ``seeds`` models that show no membership.

    Exact where members and held-out samples are exchangeable and have no ties: the hits of one model are then
    beta-binomial, the uncertainty of the threshold included; those of independent models add up.

    Args:
        members: samples trained on, per model.
        held_out: samples not trained on, per model.
        fpr: where the threshold lies.
        seeds: number of models, at least 1.
        level: in (0, 1).
    """
    place = threshold_place(held_out, fpr)
    one = betabinom.pmf(np.arange(members + 1), members, place, held_out - place + 1)
    return _central(reduce(np.convolve, [one] * seeds), members * seeds, level)


def audit_band(poisons: int, fpr: float, seeds: int, level: float = 0.95) -> tuple[float, float]:
    """Return the central band of the mean true-positive rate of the Gaussian audit over ``seeds`` clean models.

    Binomial: under the null every statistic is N(0, 1), and the threshold is known.
    """
    tail = (1 - level) / 2
    low, high = binom.ppf([tail, 1 - tail], poisons * seeds, fpr)
    return float(low / (poisons * seeds)), float(high / (poisons * seeds))


def auc_deviation(members: int, held_out: int, seeds: int) -> float:
    """Return the standard deviation of the mean area under the curve over ``seeds`` models without membership.

    Source: H. B. Mann, D. R. Whitney, Ann. Math. Stat. 18 (1947), 50-60.
    """
    return float(np.sqrt((members + held_out + 1) / (12 * members * held_out * seeds)))


def _central(masses: FloatArray, total: int, level: float) -> tuple[float, float]:
    below = np.cumsum(masses)
    tail = (1 - level) / 2
    low, high = np.searchsorted(below, [tail, 1 - tail])
    return float(low / total), float(high / total)
