from datetime import UTC, datetime

import pytest

from leaderboard.doubts import doubts
from leaderboard.entry import Verification

CLEAR = Verification(
    commit="def",
    device="cpu",
    created=datetime(2026, 1, 2, tzinfo=UTC),
    compared=40,
    tolerance=0.1,
    accuracy_tolerance=0.01,
    largest=0.5,
    differences=[],
)


def slow(entry, budget=0, seed=0, **cost):
    """``entry`` with one seed whose time is not explained."""
    results = list(entry.results)
    seeds = list(results[budget].seeds)
    changed = {"explained": False, **cost}
    seeds[seed] = seeds[seed].model_copy(update={"cost": seeds[seed].cost.model_copy(update=changed)})
    results[budget] = results[budget].model_copy(update={"seeds": seeds})
    return entry.model_copy(update={"results": results, "status": "unreliable"})


def told(entry, budget=0):
    return list(doubts(entry, entry.results[budget].seeds))


def test_nothing_is_doubtful_where_all_agrees(make_entry):
    assert told(make_entry()) == []
    assert told(make_entry(verification=CLEAR, status="verified")) == []


@pytest.mark.parametrize(
    ("differences", "text"),
    [
        (["a 1, again 2"], "a second run differs in 1 of 40 values, by up to 3 times what is allowed: a 1, again 2"),
        (["a", "b"], "a second run differs in 2 of 40 values, by up to 3 times what is allowed: a; b"),
        (
            ["a", "b", "c", "d"],
            "a second run differs in 4 of 40 values, by up to 3 times what is allowed: a; b (and 2 more)",
        ),
    ],
)
def test_what_a_second_run_found(make_entry, differences, text):
    verification = CLEAR.model_copy(update={"differences": differences, "largest": 3.0})
    assert told(make_entry(verification=verification, status="unreliable")) == [text]


def test_time_is_the_greater_of_wall_clock_and_processor(make_entry):
    start = "took more time than its ledger explains (seeds 0"
    for cost in ({"cpu_s": 9.0, "wall_clock_s": 60.0}, {"cpu_s": 60.0, "wall_clock_s": 9.0}, {"wall_clock_s": 60.0}):
        assert told(slow(make_entry(), allowed_s=20.0, **cost)) == [
            f"{start}; seed 0 took 60 s, and 20 s are explained)"
        ]
    assert told(slow(make_entry())) == [f"{start})"]


def test_the_worst_seed_is_the_example(make_entry):
    entry = slow(slow(make_entry(), seed=1, cpu_s=30.0, allowed_s=20.0), seed=3, cpu_s=90.0, allowed_s=25.0)
    (text,) = told(entry)
    assert "(seeds 1, 3; seed 3 took 90 s, and 25 s are explained)" in text


def test_another_budget_may_be_the_reason(make_entry):
    entry = slow(make_entry(budgets=(0.04, 0.1)), budget=1)
    assert told(entry, 0) == ["its time is not explained at budget 10 %"]
    assert "took more time" in told(entry, 1)[0]


def test_no_reason_is_told_as_such(make_entry):
    assert told(make_entry(status="unreliable")) == ["its entry does not say why"]
