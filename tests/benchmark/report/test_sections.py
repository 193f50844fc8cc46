"""Sections from synthetic entries: what they draw, what they say is missing."""

import numpy as np
import pytest

from benchmark.report.evidence import Evidence
from benchmark.report.material import SEEN
from benchmark.report.sections.budgets import budgets
from benchmark.report.sections.matrix import matrix
from benchmark.report.sections.membership import membership
from benchmark.report.sections.sensitivity import sensitivity
from benchmark.report.sections.shift import shift
from benchmark.report.sections.subspace import subspace
from benchmark.report.sections.tradeoff import FPRS, chosen_budgets, mean_curve, rates, tradeoff


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_curves_are_counted(make_entry, make_material):
    seeds = [np.array([3.0, 1.0, -1.0, 0.0]), np.array([2.5, 2.4, 0.1, -2.0])]
    curve = mean_curve(seeds, np.array([0.01, 0.5, 1.0]))
    assert curve == pytest.approx([(1 / 4 + 2 / 4) / 2, (2 / 4 + 3 / 4) / 2, 1.0])  # thresholds 2.326, 0, -infinity
    assert rates(seeds).estimate == pytest.approx(0.375)
    entries = [make_entry(name, 0.9) for name in ("no_unlearning", "retrain", "gd")]
    material = make_material(entries, {("gd", SEEN): 1.0, ("retrain", SEEN): 0.0})
    section = tradeoff(material)
    (drawing,) = section.drawings
    assert section.gaps == []
    points = {(row[1], row[2]): row[3] for row in drawing.data.rows}
    pooled = np.concatenate([material.statistics(seed) for seed in entries[2].results[0].seeds])
    assert points["gd", FPRS[60]] == pytest.approx(np.mean(pooled > 1.8551), abs=1e-3)
    assert "5 seeds (0, 1, 2, 3, 4) of 375 poisons" in drawing.caption
    assert "python -m benchmark run. Figure made by: python -m benchmark report." in drawing.caption


def test_three_budgets_are_drawn_and_all_are_in_the_data(make_entry, make_material):
    assert chosen_budgets([0.02, 0.04, 0.1, 0.2, 1.0]) == [0.02, 0.1, 1.0]
    assert chosen_budgets([0.1]) == [0.1]
    assert chosen_budgets([0.5]) == [0.5]
    held = (0.02, 0.04, 0.1, 1.0)
    (drawing,) = tradeoff(make_material([make_entry("gd", 0.9, budgets=held)], {("gd", SEEN): 1.0})).drawings
    assert {row[0] for row in drawing.data.rows} == set(held)
    assert "solid 2 %, dashed 10 %, dash-dot 100 % of training; the other budgets are in table" in drawing.caption


def test_curves_that_are_missing_name_the_command(make_entry, make_material):
    section = tradeoff(make_material([make_entry("gd", 0.9)]))
    assert not section.drawings
    assert section.gaps[0].command == "python -m benchmark run --scenarios toy-gaussian-cnn-v1"
    assert tradeoff(make_material([])).gaps[0].command == "python -m benchmark run --suite mini"


def test_the_heat_map_prints_every_number(make_entry, make_material):
    void = {"scenario": "toy-void-cnn-v1", "took": False}
    entries = [make_entry("gd", 0.9), make_entry("ga", 0.1, accuracy=0.2), make_entry("gd", 0.0, **void)]
    nan = make_entry("nan", 0.5)
    seed = nan.results[0].seeds[0]
    lost = seed.model_copy(update={"unlearned": seed.unlearned.model_copy(update={"effect": None})})
    results = [nan.results[0].model_copy(update={"seeds": [lost, *nan.results[0].seeds[1:]]})]
    entries.append(nan.model_copy(update={"results": results, "status": "diverged"}))
    (drawing,) = matrix(make_material(entries)).drawings
    shown = words(drawing.figure)
    assert {"0.90", "(0.10)", "did not take", "diverged", "not run"} <= set(shown)
    (row,) = [row for row in drawing.data.rows if row[0] == "toy-gaussian-cnn-v1" and row[3] == "gd"]
    assert row[4] == pytest.approx(0.9, abs=0.02)
    assert row[5] < row[4] < row[6]
    assert matrix(make_material([])).gaps[0].command == "python -m benchmark run --suite mini"


def test_budgets_are_drawn_whatever_they_are(make_entry, make_material):
    one = budgets(make_material([make_entry("gd", 0.9), make_entry("ga", 0.8)]))
    assert len(one.drawings) == 1
    assert [gap.what for gap in one.gaps] == [
        "the paper's budgets: 2 %, 4 %, 6 %, 8 %",
        "budgets beyond 10 %: 20 %, 50 %, 100 %",
    ]
    assert one.gaps[1].command == "python -m benchmark run --scenarios toy-gaussian-cnn-v1 --budgets 0.2,0.5,1"
    held = (0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.5, 1.0)
    left = {budget: 1 - budget for budget in held}
    many = budgets(make_material([make_entry("gd", left, budgets=held), make_entry("ga", left, budgets=held)]))
    assert not many.gaps
    (drawing,) = many.drawings
    assert {"gd", "ga"} <= set(words(drawing.figure))
    (line,) = [line for line in drawing.figure.axes[0].lines if line.get_label() == "gd"]
    assert line.get_ydata() == pytest.approx([1 - budget for budget in held], abs=0.02)


def test_sensitivity_to_the_learning_rate(make_entry, make_material):
    entries = [make_entry("gd", 0.9), make_entry("gd.lr-0.1", 0.4, lr=0.1), make_entry("gd.momentum-0.0", 0.7, lr=0.5)]
    section = sensitivity(make_material(entries))
    (drawing,) = section.drawings
    assert [row[2] for row in drawing.data.rows] == [0.01, 0.1]
    assert [row[3] for row in drawing.data.rows] == pytest.approx([0.9, 0.4], abs=0.02)
    assert ["requests" in gap.what for gap in section.gaps] == [True]


def test_sensitivity_to_the_request(make_entry, make_material):
    half = {"configuration": {"forget": {"identified": 0.5, "false_positives": 0.0}}}
    wrong = {"configuration": {"forget": {"identified": 1.0, "false_positives": 1.0}}}
    entries = [
        make_entry("gd", 0.9),
        make_entry("gd", 0.5, scenario="toy-gaussian-cnn-v1.identified50", **half),
        make_entry("gd", 0.7, scenario="toy-gaussian-cnn-v1.falsepositives100", **wrong),
        make_entry("gd", 0.7, scenario="toy-other-cnn-v1"),
    ]
    section = sensitivity(make_material(entries))
    (drawing,) = section.drawings
    assert [row[2] for row in drawing.data.rows] == ["100 %", "100 % + 100 % wrong", "50 %"]
    (gap,) = section.gaps
    assert gap.command == "python -m benchmark run --scenarios toy-gaussian-cnn-v1 --unlearner=gd --unlearner.lr=0.1"


@pytest.mark.parametrize("section", [membership, shift, subspace])
def test_what_was_not_measured_names_the_command(make_material, section):
    found = section(Evidence(make_material([])))
    assert not found.drawings
    assert found.gaps[0].command.startswith("python -m benchmark run --s")
