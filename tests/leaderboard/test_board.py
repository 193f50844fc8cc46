import math

import numpy as np
import pytest

from leaderboard.board import build_boards
from leaderboard.entry import BudgetResult, Source, Tuning
from leaderboard.records import ANCHORS
from leaderboard.statistics import noise_floor, residual
from leaderboard.summary import summarize


def only(entries):
    (board,) = build_boards(entries)
    return board


def rows(board):
    return {row.name: row for row in (*board.anchors, *board.methods)}


def test_methods_are_ordered_by_rank_and_judged(board_entries):
    board = only(board_entries)
    assert [(row.name, str(row.rank), row.verdict) for row in board.methods] == [
        ("clean", "1", "removed"),
        ("half-a", "2-3", "not removed"),
        ("half-b", "2-3", "not removed"),
        ("wreck", "4", "accuracy lost"),
        ("nan", "5", "diverged"),
    ]


def test_order_of_entries_does_not_matter(board_entries):
    assert only(board_entries) == only(board_entries[::-1])


def test_row_holds_means_over_seeds(make_entry):
    entry = make_entry("gd", [0.2, 0.3, 0.7], accuracy=[0.6, 0.7, 0.8], fraction=0.03)
    board = only([entry])
    row = rows(board)["gd"]
    seeds = entry.results[0].seeds
    poisoned, retrain = ([getattr(seed, role).effect for seed in seeds] for role in ("poisoned", "retrain"))
    assert row.effect == pytest.approx(0.4)
    assert row.accuracy == pytest.approx(0.7)
    assert row.cost == pytest.approx(0.03)
    assert row.seeds == 3
    assert row.contender.residual == residual([0.2, 0.3, 0.7], poisoned, retrain)
    assert row.contender.gap.estimate == pytest.approx(0.0)
    assert row.contender.gaps == pytest.approx({0: -10, 1: 0, 2: 10})
    assert row.contender.excess == pytest.approx({0: 0.19, 1: 0.32, 2: 0.7})
    assert (row.title, row.status, row.hyperparameters) == ("GD", "claimed", {"lr": 0.01, "epochs": 3})


def test_header_says_whether_the_attack_took(make_entry):
    entry = make_entry()
    seeds = entry.results[0].seeds
    poisoned, retrain, second = (
        [getattr(seed, role).effect for seed in seeds] for role in ("poisoned", "retrain", "second_retrain")
    )
    board = only([entry])
    assert board.took is True
    assert (board.poisoned, board.retrain) == pytest.approx((np.mean(poisoned), np.mean(retrain)))
    assert board.difference.estimate == pytest.approx(board.poisoned - board.retrain)
    assert board.difference.low > 0
    assert board.floor == noise_floor(second, poisoned, retrain)
    assert board.null == pytest.approx((np.mean(retrain + second), np.std(retrain + second, ddof=1)))
    assert (board.seeds, board.devices, board.entries, board.notes) == ((0, 1, 2, 3, 4), ("cpu",), 1, ())


def test_attack_that_did_not_take_ranks_nobody(make_entry):
    board = only([make_entry("gd", [0.0, 0.1, 0.0], poisoned=[0.0, 0.02, -0.01]), make_entry("x", [0.9, 0.9, 0.8])])
    assert board.took is False
    assert board.floor == math.inf
    verdicts = {row.name: (row.rank, row.verdict) for row in board.methods}
    assert verdicts["gd"] == (None, "did not take")


def test_one_seed_ranks_nobody(make_entry):
    board = only([make_entry("a", [0.5]), make_entry("b", [0.1])])
    assert board.took is None
    assert [(row.name, row.rank, row.verdict) for row in board.methods] == [
        ("b", None, "one seed"),
        ("a", None, "one seed"),
    ]


def test_anchors_have_a_fixed_place_and_no_rank(make_entry):
    board = only([make_entry(name, [0.8, 0.81, 0.83]) for name in ("sham", "gd", "another")])
    assert [row.name for row in board.anchors] == list(ANCHORS)
    assert all(row.rank is None for row in board.anchors)
    assert [row.name for row in board.methods] == ["another", "gd"]


def test_anchors_are_zero_and_one_with_and_without_entries(make_entry):
    poisoned, retrain = make_entry().results[0].seeds[0].poisoned, make_entry().results[0].seeds[0].retrain
    without = rows(only([make_entry()]))
    entries = [make_entry("no_unlearning", [0.9, 0.95, 0.86]), make_entry("retrain", [0.01, -0.02, 0.0], fraction=1)]
    run = rows(only([*entries, make_entry()]))
    for table, status in ((without, "baseline"), (run, "claimed")):
        assert table["no_unlearning"].contender.interval.estimate == pytest.approx(1, abs=1e-9)
        assert table["retrain"].contender.interval.estimate == pytest.approx(0, abs=1e-9)
        assert table["retrain"].verdict == table["no_unlearning"].verdict == "by construction"
        assert table["retrain"].status == status
    assert without["no_unlearning"].accuracy == pytest.approx(poisoned.accuracy)
    assert without["retrain"].accuracy == pytest.approx(retrain.accuracy)
    assert without["no_unlearning"].cost == 0
    assert run["retrain"].cost == pytest.approx(1)


def test_missing_sham_is_named(make_entry):
    sham = rows(only([make_entry()]))["sham"]
    assert (sham.status, sham.verdict, sham.contender) == ("missing", "missing", None)


def test_unreliable_entries_are_shown_and_not_ranked(make_entry):
    entries = [make_entry("good", [0.0] * 5, status="unreliable"), make_entry("gd")]
    assert [(row.name, str(row.rank)) for row in only(entries).methods] == [("gd", "1"), ("good", "None")]


def test_one_board_per_scenario_and_budget(make_entry):
    entries = [
        make_entry("gd", scenario="b-v1", budgets=(0.02, 0.04)),
        make_entry("gd", scenario="a-v1", budgets=(0.1,)),
        make_entry("retrain", scenario="a-v1", budgets=(1.0,)),
        make_entry("sham", scenario="c-v1", budgets=(1.0,)),
    ]
    boards = build_boards(entries)
    assert [(board.entry.scenario, board.budget) for board in boards] == [
        ("a-v1", 0.1),
        ("b-v1", 0.02),
        ("b-v1", 0.04),
        ("c-v1", 1.0),
    ]


def test_budget_is_held_against_every_seed(make_entry):
    assert rows(only([make_entry(fraction=0.04)]))["gd"].verdict == "not removed"
    assert rows(only([make_entry(fraction=0.041)]))["gd"].verdict == "over budget"
    seeds = list(make_entry(fraction=0.01).results[0].seeds)
    seeds[3] = make_entry(fraction=0.041).results[0].seeds[3]
    entry = make_entry(results=[BudgetResult(budget=0.04, seeds=seeds)])
    assert rows(only([entry]))["gd"].verdict == "over budget"


def test_divergence_at_one_budget_leaves_the_others(make_entry):
    good, bad = make_entry(budgets=(0.02,)), make_entry(unlearned=[0.3, None], budgets=(0.04,))
    entry = bad.model_copy(update={"results": [*good.results, *bad.results]})
    first, second = build_boards([entry])
    assert rows(first)["gd"].verdict == "over budget"
    assert rows(second)["gd"].verdict == "diverged"
    assert rows(second)["gd"].effect is None


def test_reference_has_most_seeds_then_is_verified(make_entry):
    few = make_entry("a", [0.3, 0.3, 0.4], status="verified")
    many, verified = make_entry("b"), make_entry("c", status="verified")
    assert only([few, many]).entry.method.name == "b"
    assert only([few, many, verified]).entry.method.name == "c"


def test_reference_is_a_reliable_method_of_this_repository_where_there_is_one(make_entry):
    liar = make_entry("a", status="unreliable")
    guest = make_entry("b", source=Source(file="b.py", class_name="B", sha256="0" * 64))
    ours = make_entry("c", [0.3, 0.3, 0.4])
    assert only([liar, guest, ours]).entry.method.name == "c"
    assert only([liar, guest]).entry.method.name == "b"
    assert only([liar]).entry.method.name == "a"


def test_row_says_how_it_was_tuned_and_what_is_doubtful(make_entry):
    tuning = Tuning(version=1, trials=12, seeds=[1000], criterion="J")
    found = rows(only([make_entry("gd", tuning=tuning), make_entry("bad", status="unreliable")]))
    assert (found["gd"].tuning, found["gd"].doubts) == (tuning, ())
    assert (found["bad"].tuning, found["bad"].doubts) == (None, ("its entry does not say why",))


def test_note_that_concerns_every_entry_does_not_name_them(make_entry):
    provenance = make_entry().provenance.model_copy(update={"dirty": True})
    entries = [make_entry(name, provenance=provenance) for name in ("a", "b")]
    assert only(entries).notes == ("entries made with uncommitted changes: all 2",)
    assert only(entries[:1]).notes == ("entries made with uncommitted changes: a",)


def test_notes_warn_of_what_is_hard_to_compare(make_entry):
    provenance = make_entry().provenance.model_copy(update={"dirty": True})
    entries = [
        make_entry("a"),
        make_entry("b", retrain=[0.01, -0.02, 0.00, 0.02, -0.011]),
        make_entry("c", [0.3, 0.3]),
        make_entry("d", configuration={"recipe": {"epochs": 6}}),
        make_entry("e", provenance=provenance),
        make_entry("retrain", [0.1, 0.1, 0.1, 0.1, 0.1]),
        make_entry("sham", [0.012, -0.021, 0.003, 0.012, -0.008]),
    ]
    assert only(entries).notes == (
        "entries whose configuration differs from that of a: d",
        "entries whose baselines differ from those of a: b",
        "entries with other seeds (ranks use the seeds that two entries share): c",
        "entries made with uncommitted changes: e",
        "retrain must have residual 0 and has 0.111",
        "the sham is called removed: this poison does not even survive noise",
    )


def test_two_entries_of_one_method_are_refused(make_entry):
    with pytest.raises(ValueError, match="entries must differ, got gd in toy-v1 twice"):
        build_boards([make_entry(), make_entry(network="other")])


def test_variants_stand_beside_their_method_where_they_tie(make_entry):
    spread = np.array(
        [[0.3, -0.3, 0.0], [-0.3, 0.3, 0.0], [0.0, 0.3, -0.3], [0.3, 0.0, -0.3], [0.0, -0.3, 0.3], [0] * 3]
    )
    middles = {"scrub": 0.42, "gd": 0.46, "scrub.alpha-0.2": 0.5, "euk": 0.44, "scrub2": 0.43, "scrub.alpha-9": 4.0}
    wide = [make_entry(*one) for one in zip(middles, (spread.T + list(middles.values())).T.tolist(), strict=True)]
    board = only(wide)
    assert [str(row.rank) for row in board.methods] == ["1-5"] * 5 + ["6"]
    names = ["scrub", "scrub.alpha-0.2", "scrub2", "euk", "gd", "scrub.alpha-9"]
    assert [row.name for row in board.methods] == names
    assert [row.family for row in board.methods] == ["scrub", "scrub", "scrub2", "euk", "gd", "scrub"]
    unranked = [make_entry(name, [middle]) for name, middle in middles.items()]
    names = ["scrub", "scrub.alpha-0.2", "scrub.alpha-9", "scrub2", "euk", "gd"]
    assert [row.name for row in only(unranked).methods] == names


def test_audit_is_quoted_from_the_first_entry_that_has_it(make_entry):
    extras = {"poisoned": [{"gaussian/mean": value} for value in (0.5, 0.7, 0.6)]}
    entries = [
        make_entry("a", effect_name="gaussian_correlation"),
        make_entry("b", [0.3, 0.4, 0.3], effect_name="gaussian_correlation", extras=extras),
    ]
    (table,) = only(entries).audits
    assert table.lines[0][0].mean == pytest.approx(0.6)
    assert only(entries[:1]).audits == ()


def test_methods_stand_in_an_audit_in_the_order_of_the_board_and_after_the_sham(make_entry):
    def entry(name, effects, margin):
        extras = {"poisoned": [{"adversarial/margin.0": 2.0}] * 3, "unlearned": [{"adversarial/margin.0": margin}] * 3}
        return make_entry(name, effects, effect_name="adversarial_margin", extras=extras)

    board = only(
        [
            entry("worse", [0.6, 0.61, 0.6], 1.0),
            entry("better", [0.3, 0.31, 0.3], -1.0),
            entry("sham", [0.9, 0.91, 0.9], 2.0),
            entry("retrain", [0.0, 0.01, 0.0], -3.0),
        ]
    )
    (table,) = board.audits
    fooled = {subject.title: line[0] for subject, line in zip(table.subjects, table.lines, strict=True)}
    assert list(fooled) == ["poisoned", "retrain", "second retrain", "SHAM", "BETTER", "WORSE"]
    assert [(cell.successes, cell.trials) for title, cell in fooled.items() if title.isupper()] == [
        (3, 3),
        (0, 3),
        (3, 3),
    ]


def test_summary_ranks_by_the_worst_scenario_that_took(make_entry):
    flat = {"poisoned": [0.0, 0.02, -0.01]}
    entries = [
        make_entry("steady", [0.4, 0.41, 0.42], scenario="a-v1"),
        make_entry("steady", [0.4, 0.41, 0.42], scenario="b-v1"),
        make_entry("steady", [9.0, 9.1, 9.2], scenario="flat-v1", **flat),
        make_entry("patchy", [0.01, -0.01, 0.0], scenario="a-v1"),
        make_entry("patchy", [0.8, 0.81, 0.82], scenario="b-v1"),
        make_entry("patchy", [0.0, 0.0, 0.1], scenario="flat-v1", **flat),
        make_entry("liar", [0.0, 0.0, 0.1], scenario="a-v1", status="unreliable"),
        make_entry("alone", [0.0, 0.0, 0.1], scenario="a-v1", suite="smoke", budgets=(0.5,)),
    ]
    (summary,) = summarize(build_boards(entries))
    assert (summary.suite, summary.budget) == ("mini", 0.04)
    assert (summary.counted, summary.skipped) == (("a-v1", "b-v1"), ("flat-v1",))
    assert [(row.name, str(row.overall.rank), row.overall.worst, row.removed) for row in summary.rows] == [
        ("steady", "1", "a-v1", 0),
        ("patchy", "2", "b-v1", 1),
    ]


def test_unreliable_entries_count_nowhere_in_a_summary(make_entry):
    clean = [0.012, -0.021, 0.003, 0.012, -0.008]
    entries = [
        make_entry("gd", clean, scenario="a-v1"),
        make_entry("gd", clean, scenario="b-v1", status="unreliable"),
        make_entry("ga", scenario="a-v1"),
        make_entry("ga", scenario="b-v1", modality="text"),
    ]
    (summary,) = summarize(build_boards(entries))
    found = {row.name: row for row in summary.rows}
    assert (found["gd"].removed, found["gd"].overall.missing, found["gd"].modalities) == (1, ("b-v1",), ("image",))
    assert found["ga"].modalities == ("image", "text")


def test_variants_stand_beside_their_method_in_a_summary(make_entry):
    names = ["scrub", "scrub-2", "scrub.alpha-0.2"]
    entries = [make_entry(name, scenario=scenario) for name in names for scenario in ("a-v1", "b-v1")]
    (summary,) = summarize(build_boards(entries))
    assert {str(row.overall.rank) for row in summary.rows} == {"1-3"}
    assert [row.name for row in summary.rows] == ["scrub", "scrub.alpha-0.2", "scrub-2"]
