"""Attack and bands against sklearn, direct counts and simulation."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from benchmark.report.roc import (
    auc_deviation,
    audit_band,
    loss_attack_auc,
    loss_attack_band,
    loss_attack_tpr,
    threshold_place,
)


@pytest.fixture
def losses():
    rng = np.random.default_rng(0)
    members, held_out = rng.exponential(0.7, 150), rng.exponential(1.0, 400)
    held_out[:5] = members[:5]  # ties
    return members, held_out


def test_the_area_is_that_of_sklearn(losses):
    members, held_out = losses
    truth = np.repeat([1, 0], [len(members), len(held_out)])
    expected = roc_auc_score(truth, -np.concatenate(losses))
    assert expected > 0.55
    assert loss_attack_auc(members, held_out) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("fpr", [0.01, 0.1, 0.5])
def test_the_rate_is_a_point_of_the_curve_of_sklearn(losses, fpr):
    members, held_out = losses
    truth = np.repeat([1, 0], [len(members), len(held_out)])
    fprs, tprs, thresholds = roc_curve(truth, -np.concatenate(losses), drop_intermediate=False)
    (at,) = np.flatnonzero(-thresholds == np.sort(held_out)[threshold_place(len(held_out), fpr) - 1])
    assert fprs[at] == pytest.approx(fpr)
    assert loss_attack_tpr(members, held_out, fpr) == pytest.approx(tprs[at], abs=1e-12)


def test_a_loss_at_the_threshold_is_a_hit():
    assert loss_attack_tpr(np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.3, 0.4, 0.5]), 0.25) == pytest.approx(2 / 3)


def test_too_few_held_out_samples_are_refused():
    assert threshold_place(100, 0.01) == 1
    with pytest.raises(ValueError, match=r"at least 100 samples for fpr=0\.01, got 99"):
        threshold_place(99, 0.01)


def test_bands_cover_what_chance_gives():
    rng = np.random.default_rng(1)
    rates, areas = [], []
    for _ in range(3000):
        draws = [(rng.random(40), rng.random(200)) for _ in range(2)]
        rates.append(np.mean([loss_attack_tpr(one, other, 0.05) for one, other in draws]))
        areas.append(np.mean([loss_attack_auc(one, other) for one, other in draws]))
    rates, (low, high) = np.array(rates), loss_attack_band(40, 200, 0.05, 2)
    assert np.mean(rates < low) <= 0.03
    assert np.mean(rates > high) <= 0.03
    assert np.mean(rates > high - 1 / 80) > 0.02  # no wider than it must be
    assert np.std(areas) == pytest.approx(auc_deviation(40, 200, 2), rel=0.05)


def test_the_threshold_is_uncertain():
    known, estimated = audit_band(375, 0.01, 5), loss_attack_band(375, 2000, 0.01, 5)
    assert known == pytest.approx((11 / 1875, 28 / 1875), abs=1.1 / 1875)
    assert estimated[0] <= known[0]
    assert estimated[1] >= known[1]
