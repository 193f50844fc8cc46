from dataclasses import replace

import pytest

from leaderboard.contender import Contender
from leaderboard.overall import rank_overall
from leaderboard.statistics import Residual, paired_interval


def contender(name, middle, gap=0.0, *, exceeds_budget=False, spread=0.01):
    if middle is None:
        return Contender(name, None, None, None, None, exceeds_budget)
    excess = [middle - spread, middle, middle + spread]
    gaps = [gap - 0.1, gap, gap + 0.1]
    return Contender(
        name,
        dict(enumerate(excess)),
        dict(enumerate(gaps)),
        Residual(paired_interval(excess), took=True),
        paired_interval(gaps),
        exceeds_budget,
    )


def boards(**methods):
    """Boards from one list of residuals per method, in scenarios s0, s1, ...; "-" is no entry."""
    scenarios = range(max(map(len, methods.values())))
    return {
        f"s{row}": [contender(name, values[row]) for name, values in methods.items() if values[row] != "-"]
        for row in scenarios
    }


def ranks(given):
    return {name: str(overall.rank) for name, overall in rank_overall(given).items()}


def test_a_method_is_ranked_by_its_worst_scenario():
    given = boards(steady=[0.4, 0.4, 0.4], patchy=[0.0, 0.0, 0.9])
    overall = rank_overall(given)
    assert ranks(given) == {"steady": "1", "patchy": "2"}
    assert overall["patchy"].worst == "s2"
    assert overall["patchy"].residual.estimate == pytest.approx(0.9)


def test_overshooting_counts_as_distance():
    given = boards(steady=[0.4, 0.4], over=[0.0, -0.9])
    assert ranks(given) == {"steady": "1", "over": "2"}
    assert rank_overall(given)["over"].residual.estimate == pytest.approx(-0.9)


def test_same_worst_scenario_is_compared_seed_by_seed():
    given = {
        "easy": [contender("a", 0.1), contender("b", 0.1)],
        "hard": [contender("a", 0.80, spread=0.1), contender("b", 0.82, spread=0.1001)],
    }
    assert ranks(given) == {"a": "1", "b": "2"}


def test_different_worst_scenarios_tie_unless_their_intervals_are_disjoint():
    assert ranks(boards(a=[0.50, 0.1], b=[0.1, 0.52])) == {"a": "1-2", "b": "1-2"}
    assert ranks(boards(a=[0.50, 0.1], b=[0.1, 0.60])) == {"a": "1", "b": "2"}


def test_missing_and_diverged_come_last():
    given = boards(bad=[0.9, 0.9], absent=[0.0, "-"], gone=["-", 0.0], nan=[None, 0.0], lost=["-", None])
    assert ranks(given) == {"bad": "1", "absent": "2-3", "gone": "2-3", "nan": "4-5", "lost": "4-5"}
    overall = rank_overall(given)
    assert (overall["absent"].missing, overall["absent"].worst) == (("s1",), None)
    assert (overall["lost"].missing, overall["lost"].diverged) == (("s0",), ("s1",))


def test_accuracy_lost_or_budget_exceeded_in_one_scenario_counts():
    given = {
        "s0": [contender("wreck", 0.0), contender("half", 0.5), contender("over", 0.0, exceeds_budget=True)],
        "s1": [contender("wreck", 0.0, gap=-50.0), contender("half", 0.5), contender("over", 0.0)],
    }
    assert ranks(given) == {"half": "1", "wreck": "2", "over": "3"}


def test_more_accuracy_counts_only_where_the_other_lost_it():
    gaps = [-5.0, -0.1, -4.0]
    unsure = replace(contender("a", 0.5), gaps=dict(enumerate(gaps)), gap=paired_interval(gaps))
    given = {"s0": [contender("a", 0.5, gap=9.0), contender("b", 0.1)], "s1": [unsure, contender("b", 0.1, gap=-3.0)]}
    assert ranks(given) == {"a": "1-2", "b": "1-2"}
    given["s1"][0] = contender("a", 0.5, gap=-0.9)
    assert ranks(given) == {"a": "1", "b": "2"}


def test_residual_without_an_interval_ties_unless_it_is_compared_seed_by_seed():
    unknown = replace(contender("unknown", 0.1), residual=Residual(None, took=False))
    given = {"s0": [contender("a", 0.5), unknown], "s1": [contender("a", 0.6), contender("unknown", 0.1)]}
    assert ranks(given) == {"a": "1-2", "unknown": "1-2"}
    assert rank_overall(given)["unknown"].residual is None


def test_no_scenario_ranks_nobody():
    assert rank_overall({}) == {}
