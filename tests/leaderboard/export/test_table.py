import csv
import importlib.util
import io
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.board import build_boards
from leaderboard.entry import Protection, Tuning
from leaderboard.export import MissingLibraryError, Table, board_table, export_entries, seed_table, to_csv, to_parquet

parquet_is_there = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow")


def lines(table):
    names = [name for name, _ in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def entries(board_entries, make_entry):
    tuning = Tuning(version=1, trials=12, seeds=[1000], criterion="J")
    return [
        *board_entries,
        make_entry("half.tuned", tuning=tuning, protection=Protection(kind="process"), budgets=(0.04, 0.1)),
        make_entry("doubted", status="unreliable"),
        make_entry("gd", scenario="flat-v1", unlearned=[0.0, 0.1, 0.0], poisoned=[0.0, 0.02, -0.01]),
        make_entry("gd", scenario="one-v1", unlearned=[0.4]),
    ]


def test_a_row_for_each_scenario_budget_and_method(entries):
    boards = build_boards(entries)
    found = lines(board_table(boards, entries))
    shown = [(row.scenario, board.budget, row.name) for board in boards for row in (*board.anchors, *board.methods)]
    missing = [("toy-v1", 0.1, "sham"), ("flat-v1", 0.04, "sham"), ("one-v1", 0.04, "sham")]
    assert [(row["scenario"], row["budget"], row["method"]) for row in found] == [
        place for place in shown if place not in missing
    ]


def test_a_row_holds_what_the_board_says(entries):
    board = next(board for board in build_boards(entries) if board.entry.scenario == "toy-v1" and board.budget == 0.04)
    found = {row["method"]: row for row in lines(board_table([board], entries))}
    half, row = found["half-a"], next(row for row in board.methods if row.name == "half-a")
    seeds = next(entry for entry in entries if entry.method.name == "half-a").results[0].seeds
    effects = {role: [getattr(seed, role).effect for seed in seeds] for role in ("unlearned", "poisoned", "retrain")}
    mean = {role: np.mean(values) for role, values in effects.items()}
    expected = (mean["unlearned"] - mean["retrain"]) / (mean["poisoned"] - mean["retrain"])
    interval = row.contender.interval
    assert half["residual"] == pytest.approx(expected)
    assert (half["residual_low"], half["residual_high"]) == (interval.low, interval.high)
    assert half["residual_low"] < half["residual"] < half["residual_high"]
    assert (half["rank_first"], half["rank_last"]) == (row.rank.first, row.rank.last)
    assert half["verdict"] == row.verdict == "not removed"
    assert half["effect_unlearned"] == pytest.approx(mean["unlearned"])
    assert half["effect_poisoned"] == pytest.approx(mean["poisoned"])
    assert half["effect_retrain"] == pytest.approx(mean["retrain"])
    assert (half["accuracy"], half["gap_points"]) == pytest.approx((0.7, 0.0))
    assert (half["cost_fraction"], half["wall_clock_s"], half["seeds"]) == pytest.approx((0.03, 1.5, 5))
    assert (half["noise_floor"], half["took"], half["status"]) == (board.floor, True, "claimed")
    assert (half["settings"], half["device"], half["commit"]) == ("epochs=3, lr=0.01", "cpu", "abc")
    assert (half["modality"], half["attack"], half["kind"]) == ("image", "gaussian", "unlearner")
    tuned = found["half.tuned"]
    assert (tuned["tuning_trials"], tuned["protection"], half["tuning_trials"]) == (12, "process", None)
    assert found["wreck"]["gap_points_high"] < -50
    assert found["nan"]["status"] == found["nan"]["verdict"] == "diverged"
    assert found["nan"]["residual"] is found["nan"]["effect_unlearned"] is found["nan"]["gap_points"] is None
    assert (found["doubted"]["rank_first"], found["doubted"]["doubts"]) == (None, "its entry does not say why")
    assert (found["retrain"]["kind"], found["retrain"]["status"]) == ("anchor", "baseline")
    assert found["retrain"]["device"] is None


def test_what_is_unknown_or_unbounded_is_none(entries):
    found = {
        row["scenario"]: row for row in lines(board_table(build_boards(entries), entries)) if row["method"] == "gd"
    }
    flat, one = found["flat-v1"], found["one-v1"]
    assert (flat["took"], flat["residual"], flat["noise_floor"], flat["rank_first"]) == (False, None, None, None)
    assert one["residual"] == pytest.approx((0.4 - 0.01) / (0.9 - 0.01))
    assert (one["took"], one["residual_low"], one["gap_points_high"]) == (None, None, None)


def test_per_seed_rows_are_those_of_the_entries(entries):
    found = lines(seed_table(build_boards(entries), entries))
    places = [(row["scenario"], row["budget"], row["method"], row["seed"]) for row in found]
    expected = {
        (entry.scenario, result.budget, entry.method.name, seed.seed): seed
        for entry in entries
        for result in entry.results
        for seed in result.seeds
    }
    assert len(places) == len(set(places)) == len(expected)
    for place, row in zip(places, found, strict=True):
        seed = expected[place]
        assert row["effect_unlearned"] == seed.unlearned.effect
        assert row["effect_second_retrain"] == seed.second_retrain.effect
        assert row["accuracy_poisoned"] == seed.poisoned.accuracy
        assert (row["cost_fraction"], row["cpu_s"], row["explained"]) == (seed.cost.fraction, None, True)


def test_each_budget_has_its_own_seeds(make_entry):
    low, high = make_entry(budgets=(0.04,)), make_entry(unlearned=[0.1, 0.2, 0.15], budgets=(0.1,))
    entry = low.model_copy(update={"results": [*low.results, *high.results]})
    found = lines(seed_table(build_boards([entry]), [entry]))
    assert [row["effect_unlearned"] for row in found if row["budget"] == 0.1] == [0.1, 0.2, 0.15]
    assert len([row for row in found if row["budget"] == 0.04]) == 5


def test_csv_reads_back_to_the_same_bits(entries):
    table = board_table(build_boards(entries), entries)
    found = read(to_csv(table))
    kinds = dict(table.columns)
    convert = {"number": float, "count": int, "flag": {"true": True, "false": False}.get, "text": str}
    back = [{name: convert[kinds[name]](value) if value else None for name, value in row.items()} for row in found]
    assert back == lines(table)


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


@given(st.lists(st.tuples(texts, texts), min_size=1))
def test_any_text_survives_csv_and_starts_no_formula(rows):
    table = Table((("a", "text"), ("b", "text")), tuple(rows))
    found = list(csv.reader(io.StringIO(to_csv(table), newline="")))[1:]
    for row, back in zip(rows, found, strict=True):
        for value, cell in zip(row, back, strict=True):
            assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")
            assert cell in {value, f"'{value}"}


def test_numbers_are_no_formulas():
    assert (
        to_csv(Table((("x", "number"),), ((-0.5,), (math.pi,), (None,)))) == 'x\r\n-0.5\r\n3.141592653589793\r\n""\r\n'
    )


@parquet_is_there
def test_parquet_reads_back_with_types(entries):
    from pyarrow import parquet  # noqa: PLC0415 - an optional library

    for table in (board_table(build_boards(entries), entries), seed_table(build_boards(entries), entries)):
        found = parquet.read_table(io.BytesIO(to_parquet(table)))
        types = {"text": "string", "number": "double", "count": "int64", "flag": "bool"}
        assert [(field.name, str(field.type)) for field in found.schema] == [
            (name, types[kind]) for name, kind in table.columns
        ]
        assert found.to_pylist() == lines(table)


def test_without_pyarrow_one_line_says_how_to_get_it(make_entry, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingLibraryError, match=r"format 'parquet' needs pyarrow: .*pip install -e '\.\[export\]'$"):
        export_entries([make_entry()], "parquet")


@pytest.mark.parametrize(
    ("form", "per_seed", "message"),
    [
        ("xml", False, "format 'xml' must be csv or parquet or latex or bibtex or markdown"),
        ("latex", True, "per_seed needs format csv or parquet, got 'latex'"),
    ],
)
def test_unknown_formats_are_named(make_entry, form, per_seed, message):
    with pytest.raises(ValueError, match=message):
        export_entries([make_entry()], form, per_seed=per_seed)


def test_no_entries_give_headers():
    assert export_entries([], "csv").decode().startswith("suite,scenario,")
    assert export_entries([], "csv").count(b"\n") == 1
