import numpy as np
import pytest

from leaderboard.contender import Contender
from leaderboard.ranking import Rank, rank_methods, ranks_from
from leaderboard.statistics import Interval, Residual, paired_interval


def contender(name, excess, gaps=0.0, *, exceeds_budget=False, first_seed=0):
    """A contender from E(unlearned) - E(retrain) and accuracy gaps by seed, in a scenario where the poison adds 1."""
    if excess is None:
        return Contender(name, None, None, None, None, exceeds_budget)
    gaps = np.broadcast_to(gaps, len(excess)).tolist()
    return Contender(
        name=name,
        excess={first_seed + row: value for row, value in enumerate(excess)},
        gaps={first_seed + row: value for row, value in enumerate(gaps)},
        residual=Residual(paired_interval(excess), took=True),
        gap=paired_interval(gaps),
        exceeds_budget=exceeds_budget,
    )


def ranks(*contenders):
    return {name: str(rank) for name, rank in rank_methods(contenders).items()}


def test_methods_that_the_seeds_tell_apart_have_their_own_rank():
    good, bad = contender("good", [0.1, 0.11, 0.09]), contender("bad", [0.5, 0.52, 0.49])
    assert ranks(bad, good) == {"bad": "2", "good": "1"}


def test_pairing_tells_apart_what_the_spread_over_seeds_hides():
    shared = np.array([0.1, 0.5, 0.9, 0.3])
    farther = shared + np.array([0.05, 0.06, 0.04, 0.05])
    assert ranks(contender("a", shared), contender("b", farther)) == {"a": "1", "b": "2"}


def test_methods_that_the_seeds_do_not_tell_apart_tie():
    first, second = contender("a", [0.1, 0.5, 0.3]), contender("b", [0.3, 0.1, 0.4])
    third = contender("c", [2.0, 2.4, 2.1])
    assert ranks(first, second, third) == {"a": "1-2", "b": "1-2", "c": "3"}


def test_ties_need_not_be_transitive():
    near, middle, far = (contender(name, [x, x + 0.1, x + 0.05]) for name, x in (("a", 0.0), ("b", 0.1), ("c", 0.2)))
    wide = contender("w", [0.5, -0.3, 0.25])
    assert ranks(near, middle, far, wide) == {"a": "1-2", "b": "2-3", "c": "3-4", "w": "1-4"}


def test_overshooting_is_no_better_than_falling_short():
    over, short = contender("over", [-0.5, -0.52, -0.49]), contender("short", [0.1, 0.11, 0.09])
    assert ranks(over, short) == {"over": "2", "short": "1"}
    same = contender("same", [0.5, 0.49, 0.52])
    assert ranks(over, same) == {"over": "1-2", "same": "1-2"}


def test_destroyed_network_ranks_behind_any_that_keeps_its_accuracy():
    wreck = contender("wreck", [0.0, 0.01, -0.01], [-60.0, -58.0, -61.0])
    assert ranks(wreck, contender("half", [0.5, 0.52, 0.49])) == {"wreck": "2", "half": "1"}


def test_small_loss_of_accuracy_does_not_decide():
    slight = contender("slight", [0.0, 0.01, -0.01], [-1.3, -1.2, -1.25])
    assert ranks(slight, contender("half", [0.5, 0.52, 0.49], [-0.9, -0.8, -0.7])) == {"slight": "1", "half": "2"}


@pytest.mark.parametrize(("gap_near", "gap_far"), [(-30.0, -5.0), (0.0, 5.0), (-5.0, -3.0)])
def test_accuracy_decides_only_between_keeping_and_losing_it(gap_near, gap_far):
    gaps = np.array([-0.1, 0.0, 0.1])
    near, far = (
        contender("near", [0.1, 0.11, 0.09], gap_near + gaps),
        contender("far", [0.5, 0.52, 0.49], gap_far + gaps),
    )
    assert ranks(near, far) == {"near": "1", "far": "2"}


def test_exceeding_the_budget_and_diverging_come_last():
    over = contender("over", [0.0, 0.01, -0.01], exceeds_budget=True)
    diverged = contender("nan", None)
    also = contender("nan2", None, exceeds_budget=True)
    half = contender("half", [0.5, 0.52, 0.49])
    assert ranks(diverged, also, over, half) == {"half": "1", "over": "2", "nan": "3-4", "nan2": "3-4"}


def test_only_shared_seeds_are_compared():
    first = contender("a", [0.1, 0.1, 0.1])
    assert ranks(first, contender("b", [0.5, 0.5, 0.5], first_seed=3)) == {"a": "1-2", "b": "1-2"}
    assert ranks(first, contender("b", [0.5, 0.5, 0.5], first_seed=2)) == {"a": "1-2", "b": "1-2"}
    assert ranks(first, contender("b", [0.5, 0.5, 0.51], first_seed=1)) == {"a": "1", "b": "2"}


def test_one_seed_ties_everything():
    assert ranks(contender("a", [0.1]), contender("b", [0.9])) == {"a": "1-2", "b": "1-2"}


def test_names_must_differ():
    with pytest.raises(ValueError, match="contenders must have different names, got 'a' twice"):
        rank_methods([contender("a", [0.1]), contender("a", [0.2])])


def test_ranks_from_a_relation():
    assert ranks_from({"x": 1, "y": 2, "z": 2}, lambda a, b: a < b) == {
        "x": Rank(1, 1),
        "y": Rank(2, 3),
        "z": Rank(2, 3),
    }
    assert ranks_from({}, lambda a, b: a < b) == {}


@pytest.mark.parametrize("gap", [0.0, -1.25])
@pytest.mark.parametrize("count", [3, 5, 8])
def test_equal_methods_are_separated_in_at_most_five_per_cent_of_boards(count, gap):
    """Also where their accuracy is lost in some boards and kept in others."""
    generator = np.random.default_rng(count)
    boards = 2000
    separated = 0
    for _ in range(boards):
        shared = generator.normal(0.27, 0.03, count)
        pair = [
            contender(name, shared + generator.normal(0, 0.05, count), gap + generator.normal(0, 0.5, count))
            for name in "ab"
        ]
        separated += rank_methods(pair)["a"].first == rank_methods(pair)["a"].last
    assert separated / boards <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / boards)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_methods_that_differ_by_a_third_of_the_poison_are_told_apart(count):
    generator = np.random.default_rng(count)
    found = 0
    for _ in range(300):
        good, bad = (contender(name, generator.normal(x, 0.05, count)) for name, x in (("good", 0.3), ("bad", 0.6)))
        found += rank_methods([good, bad])["good"] == Rank(1, 1)
    assert found / 300 >= 0.8


def test_contender_without_an_interval_is_infinitely_far():
    assert contender("nan", None).distance == float("inf")
    assert Contender("x", {0: 1.0}, {0: 0.0}, Residual(None, took=False), Interval(0, 0, 0), False).interval is None
