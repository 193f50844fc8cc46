import pytest

from benchmark.tuning.criterion import DIVERGED, LOSS_CAP, Reference, Visible, objective

FIRST = Reference(poisoned=Visible(0.1, 0.8), retrain=Visible(1.1, 0.7))
SECOND = Reference(poisoned=Visible(0.5, 0.9), retrain=Visible(0.52, 0.9))


def test_a_hand_computation() -> None:
    halfway_and_five_points_lost = Visible(0.6, 0.65)  # 0.5 / 1 + (0.05 - 0.01) / 0.01
    in_units_of_the_least_gap = Visible(0.57, 0.95)  # 0.05 / 0.05, accuracy gained counts for nothing
    value = objective([halfway_and_five_points_lost, in_units_of_the_least_gap], [FIRST, SECOND])
    assert value == pytest.approx((4.5 + 1) / 2)


def test_the_retrain_is_perfect_and_the_poisoned_model_is_at_1() -> None:
    assert objective([FIRST.retrain], [FIRST]) == 0
    assert objective([FIRST.poisoned], [FIRST]) == pytest.approx(1)


def test_too_much_forgetting_counts_like_too_little() -> None:
    assert objective([Visible(1.4, 0.7)], [FIRST]) == pytest.approx(objective([Visible(0.8, 0.7)], [FIRST]))


def test_a_point_of_accuracy_may_be_lost_for_nothing() -> None:
    assert objective([Visible(1.1, 0.69)], [FIRST]) == pytest.approx(0, abs=1e-9)
    assert objective([Visible(1.1, 0.68)], [FIRST]) == pytest.approx(1)


def test_a_diverged_seed_is_worse_than_anything_else() -> None:
    easy = Reference(poisoned=Visible(0, 1), retrain=Visible(0, 1))
    assert objective([Visible(LOSS_CAP, 0)], [easy]) < DIVERGED
    assert objective([FIRST.retrain, None], [FIRST, SECOND]) == DIVERGED
