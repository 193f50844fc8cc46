"""The rule by which fresh seeds judge an entry, against scipy and by simulation."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from benchmark.fresh import (
    ACCURACY_POINTS,
    LEVEL,
    RESIDUAL,
    compare_fresh,
    fresh_faults,
    may_differ,
    welch_half_width,
)
from leaderboard import BudgetResult, Cost, ModelScore, SeedResult

COST = Cost(
    forward_passes=1.0,
    backward_passes=2.0,
    passes=3.0,
    training_passes=30.0,
    wall_clock_s=1.0,
    peak_memory_bytes=None,
    flops=None,
    device="cpu",
    stopped_by_budget=False,
)


def score(effect: float | None, accuracy: float | None) -> ModelScore:
    return ModelScore(effect=effect, accuracy=accuracy, extra={})


def results(
    unlearned: Sequence[float | None],
    *,
    poisoned: Sequence[float],
    retrain: Sequence[float],
    accuracy: Sequence[float] | None = None,
    budget: float = 0.1,
) -> BudgetResult:
    """One budget; the retrain's accuracy is .9 on every seed."""
    accuracies = accuracy or [0.9] * len(unlearned)
    baselines = {"retrain": 0.0, "second_retrain": 0.0}
    seeds = [
        SeedResult(
            seed=number,
            unlearned=score(effect, None if effect is None else accuracies[number]),
            poisoned=score(poisoned[number], 0.9),
            **{role: score(retrain[number], 0.9) for role in baselines},
            cost=COST,
            addresses={},
        )
        for number, effect in enumerate(unlearned)
    ]
    return BudgetResult(budget=budget, seeds=seeds)


def flat(unlearned: Sequence[float | None], **further: object) -> BudgetResult:
    """Poisoned models at 1 and retrains at 0, so that effects are residuals."""
    count = len(unlearned)
    return results(unlearned, poisoned=[1.0] * count, retrain=[0.0] * count, **further)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.9, 0.99, 0.998])
@pytest.mark.parametrize(("ours", "theirs"), [(2, 2), (5, 2), (3, 7), (8, 3)])
def test_the_interval_is_welchs(ours: int, theirs: int, level: float) -> None:
    rng = np.random.default_rng(ours)
    one, other = rng.normal(0, 1, ours), rng.normal(1, 3, theirs)
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(level)
    half = welch_half_width(one, other, level)
    difference = one.mean() - other.mean()
    assert (difference - half, difference + half) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_groups_that_do_not_vary_have_no_width_and_one_is_enough() -> None:
    assert welch_half_width([1.0, 1.0], [2.0, 2.0, 2.0], 0.99) == 0
    half = stats.t.ppf(0.995, 2) * np.std([1.0, 2.0, 4.0], ddof=1) / np.sqrt(3)
    assert welch_half_width([7.0, 7.0], [1.0, 2.0, 4.0], 0.99) == pytest.approx(half)


@pytest.mark.parametrize(
    ("one", "other", "level", "told"),
    [
        ([1.0], [1.0, 2.0], 0.99, "one must hold at least 2"),
        ([1.0, 2.0], [1.0, np.nan], 0.99, "other must hold at least 2 finite"),
        ([[1.0, 2.0]], [1.0, 2.0], 0.99, "one must"),
        ([1.0, 2.0], [1.0, 2.0], 1.0, r"level must lie in \(0, 1\), got 1"),
    ],
)
def test_what_has_no_interval_is_refused(one: list[float], other: list[float], level: float, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        welch_half_width(one, other, level)


def test_contributions_and_gaps_are_compared_as_scipy_would() -> None:
    rng = np.random.default_rng(3)
    groups = []
    for count in (5, 3):
        poisoned, retrain = rng.normal(2, 0.3, count), rng.normal(0.2, 0.1, count)
        groups.append((rng.normal(1, 0.3, count), poisoned, retrain, rng.uniform(0.7, 0.95, count)))
    claimed, fresh = (
        results(list(unlearned), poisoned=list(poisoned), retrain=list(retrain), accuracy=list(accuracy))
        for unlearned, poisoned, retrain, accuracy in groups
    )
    left, gap = compare_fresh([claimed], [fresh])
    for found, size, values in (
        (left, RESIDUAL, [(one - base) / np.mean(high - base) for one, high, base, _ in groups]),
        (gap, ACCURACY_POINTS, [100 * (accuracy - 0.9) for *_, accuracy in groups]),
    ):
        low, high = stats.ttest_ind(*values, equal_var=False).confidence_interval(LEVEL)
        assert (found.recorded, found.again) == pytest.approx([value.mean() for value in values])
        assert found.allowed == pytest.approx(max(size, (high - low) / 2))
        assert found.where == "3 fresh seeds at 10 %"


@pytest.mark.parametrize(
    ("claimed", "fresh", "agrees"),
    [
        ([0.50, 0.51, 0.49, 0.50], [0.58, 0.59, 0.57], True),  # sure, and small
        ([0.2, 0.9, 0.1, 0.8], [0.9, 1.3, 0.4], True),  # large, and not sure
        ([0.01, 0.0, -0.01, 0.0], [0.9, 0.95, 0.99], False),
        ([0.9, 0.95, 0.99], [0.01, 0.0, -0.01, 0.0], False),  # better is another answer, too
    ],
)
def test_they_disagree_where_the_difference_is_both_sure_and_large(
    claimed: list[float], fresh: list[float], agrees: bool
) -> None:
    left, gap = compare_fresh([flat(claimed)], [flat(fresh)])
    assert left.what == "residual"
    assert left.agrees is agrees
    assert gap.agrees


@pytest.mark.parametrize(("accuracy", "agrees"), [([0.889, 0.891, 0.892], True), ([0.88, 0.881, 0.882], False)])
def test_a_point_of_accuracy_is_let_pass(accuracy: list[float], agrees: bool) -> None:
    claimed = flat([0.5, 0.5, 0.5], accuracy=[0.899, 0.9, 0.901])
    _, gap = compare_fresh([claimed], [flat([0.5, 0.5, 0.5], accuracy=accuracy)])
    assert gap.what == "accuracy gap in points"
    assert gap.agrees is agrees


def test_several_budgets_share_the_level() -> None:
    ours, theirs = [0.1, 0.5, 0.9, 0.2], [0.1, 0.8, 0.5]
    budgets = (0.02, 0.04, 0.06, 0.08, 0.1)
    found = compare_fresh([flat(ours, budget=one) for one in budgets], [flat(theirs, budget=one) for one in budgets])
    half = welch_half_width(ours, theirs, 0.998)
    assert [value.allowed for value in found if value.what == "residual"] == pytest.approx([half] * 5)


def test_an_attack_that_did_not_take_leaves_the_accuracy_alone() -> None:
    weak = results([0.5, 0.5, 0.5], poisoned=[1.0, -1.0, 0.2], retrain=[0.0, 0.0, 0.0])
    fallen = results([0.5, 0.5], poisoned=[-1.0, -1.1], retrain=[0.0, 0.0])
    strong = flat([0.5, 0.5, 0.5])
    for claimed, fresh in ((weak, strong), (strong, fallen)):
        assert [value.what for value in compare_fresh([claimed], [fresh])] == ["accuracy gap in points"]


def test_diverged_seeds_are_left_out_and_speak_where_none_of_the_entry_diverged() -> None:
    steady, broken = flat([0.5, 0.5, 0.5]), flat([0.4, None, 0.5])
    left, _ = compare_fresh([steady], [broken])
    assert left.again == pytest.approx(0.45)
    assert fresh_faults([steady], [broken]) == ["fresh seed 1 at 10 %: diverged, as on no seed of the entry"]
    assert fresh_faults([broken], [broken]) == fresh_faults([steady], [steady]) == []
    assert compare_fresh([steady], [flat([0.4, None])]) == compare_fresh([steady], []) == []


def test_time_that_the_ledger_does_not_explain_is_told() -> None:
    seed = flat([0.5]).seeds[0]
    hidden = seed.model_copy(update={"cost": COST.model_copy(update={"explained": False})})
    found = fresh_faults([flat([0.5, 0.5])], [BudgetResult(budget=0.1, seeds=[hidden])])
    assert found == ["fresh seed 0 at 10 %: the ledger does not explain the time it took"]


def contributions(rng: np.random.Generator, count: int, sd: float, left: float = 0.5) -> np.ndarray:
    rise = 1 + 0.1 * rng.standard_normal(count)
    return (left * rise + sd * rng.standard_normal(count)) / rise.mean()


@pytest.mark.parametrize("fresh", [2, 3])
@pytest.mark.parametrize("claimed", [3, 4, 5])
def test_few_honest_boards_are_called_unreliable(claimed: int, fresh: int) -> None:
    """At the spread of shipped methods in `mini`: .1 of the residual and 1 point of accuracy."""
    rng, boards = np.random.default_rng(claimed * 10 + fresh), 5000
    false = 0
    for _ in range(boards):
        left = [contributions(rng, count, 0.1) for count in (claimed, fresh)]
        gaps = [rng.standard_normal(count) for count in (claimed, fresh)]
        false += any(
            abs(one.mean() - other.mean()) > may_differ(one, other, size, LEVEL)
            for size, (one, other) in ((RESIDUAL, left), (ACCURACY_POINTS, gaps))
        )
    assert false / boards <= (0.03 if (claimed, fresh) == (5, 2) else 0.02)


def test_four_fresh_seeds_see_that_nothing_was_removed() -> None:
    rng, boards = np.random.default_rng(0), 500
    seen = 0
    for _ in range(boards):
        one, other = contributions(rng, 5, 0.1, left=0.0), contributions(rng, 4, 0.1, left=1.0)
        seen += abs(one.mean() - other.mean()) > may_differ(one, other, RESIDUAL, LEVEL)
    assert seen / boards > 0.99
