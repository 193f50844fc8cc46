import pytest

from leaderboard.markdown import render_markdown
from leaderboard.statistics import Interval
from leaderboard.text import (
    budget_text,
    half_width_text,
    interval_text,
    number,
    percent,
    request_text,
    settings_text,
)


def tables(text):
    """Cells of each table, header first, without the rule below it."""
    found, current = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            current.append([cell.strip() for cell in line.strip("|").replace("\\|", "¦").split("|")])
        elif current:
            found.append([current[0], *current[2:]])
            current = []
    return found


def test_table_of_a_board(board_entries):
    (table,) = tables(render_markdown(board_entries))
    found = [(row[0], row[1], row[6]) for row in table[1:]]
    assert found == [
        ("-", "no_unlearning", "by construction"),
        ("-", "retrain", "by construction"),
        ("-", "SHAM", "not removed"),
        ("1", "CLEAN", "removed"),
        ("2-3", "HALF-A", "not removed"),
        ("2-3", "HALF-B", "not removed"),
        ("4", "WRECK", "accuracy lost"),
        ("5", "NAN", "diverged"),
    ]
    cells = {row[1]: row for row in table}
    assert cells["no_unlearning"][2] == "1.00 [1.00, 1.00]"
    assert cells["retrain"][2] == "0.00 [0.00, 0.00]"
    assert cells["NAN"][2] == "diverged"
    assert cells["WRECK"][3] == "10.4"
    assert cells["WRECK"][4] == "-59.6 ± 1.4"
    assert table[0] == ["rank", "method", "residual", "acc %", "gap", "cost %", "verdict", "effect", "status"]
    assert (cells["CLEAN"][-1], cells["NAN"][-1], cells["no_unlearning"][-1]) == ("claimed", "diverged", "baseline")


def test_status_and_seeds_are_columns_only_where_they_differ(make_entry):
    text = render_markdown([make_entry("a"), make_entry("b")])
    assert "- entries: 2, all claimed" in text.splitlines()
    assert tables(text)[0][0][-1] == "effect"
    text = render_markdown([make_entry("a"), make_entry("b", status="verified"), make_entry("c", [0.3, 0.4])])
    assert "- entries: 3" in text.splitlines()
    assert tables(text)[0][0][-2:] == ["seeds", "status"]
    assert [row[-2:] for row in tables(text)[0][1:]] == [
        ["5", "baseline"],
        ["5", "baseline"],
        ["0", "missing"],
        ["5", "claimed"],
        ["5", "verified"],
        ["2", "claimed"],
    ]


def test_settings_stand_below_the_table(make_entry):
    long = {f"setting_{row}": 0.123456 for row in range(9)}
    entries = [
        make_entry("a"),
        make_entry("b", [0.7] * 5, hyperparameters=long),
        make_entry("sham", hyperparameters={}),
    ]
    lines = render_markdown(entries).splitlines()
    start = lines.index("Settings:")
    assert lines[start + 1 : start + 3] == ["", "- A: epochs=3, lr=0.01"]
    assert lines[start + 3].startswith("- B: setting_0=0.123456, ")
    assert lines[start + 4].startswith("  setting_")
    assert len(lines) == start + 5
    assert "Settings:" not in render_markdown([make_entry(hyperparameters={})])


def test_both_faults_of_a_method_are_shown(make_entry):
    text = render_markdown([make_entry("gd", accuracy=0.66)])
    row = next(row for row in tables(text)[0] if row[1] == "GD")
    assert (row[4], row[6]) == ("-4.0 ± 0.0", "not removed, accuracy lost")


def test_it_fits_a_terminal(make_entry):
    provenance = make_entry().provenance.model_copy(update={"dirty": True})
    names = ["scrub", *(f"scrub.alpha-0.{row}" for row in range(9))]
    long = {f"setting_{row}": 0.123456 for row in range(20)}
    entries = [
        make_entry(name, accuracy=[0.5, 0.6, 0.66, 0.6, 0.5], provenance=provenance, hyperparameters=long)
        for name in names
    ]
    text = render_markdown(entries)
    assert "not removed, accuracy lost" in text
    assert max(map(len, text.splitlines())) <= 120


def test_audit_stands_between_header_and_table(make_entry):
    names = ("mean", "z", "tpr_at_fpr_.01", "auc")
    seen = [dict(zip(names, row, strict=True)) for row in ((0.8, 8.9, 0.02, 0.7), (0.6, 7.1, 0.04, 0.8))]
    null = [{"mean": -0.004, "z": 0.1, "tpr_at_fpr_.01": 0.008, "auc": 0.5}] * 2
    gaussian = lambda row, prefix: {f"{prefix}/{key}": value for key, value in row.items()}  # noqa: E731
    band = {"gaussian/tpr_null_low": 0.0, "gaussian/tpr_null_high": 0.032}
    extras = {
        "poisoned": [gaussian(seen[row], "gaussian") | gaussian(null[row], "gaussian_fresh") | band for row in (0, 1)],
        "retrain": [gaussian(null[row], "gaussian") | band for row in (0, 1)],
    }
    text = render_markdown([make_entry(unlearned=[0.3, 0.4], extras=extras, effect_name="gaussian_correlation")])
    audit, board = tables(text)
    assert audit == [
        ["model", "mean I", "z = sqrt(p) mean I", "TPR at FPR 0.01", "AUC"],
        ["poisoned", "0.70 (0.60 to 0.80)", "8.0 (7.1 to 8.9)", "0.030 (0.020 to 0.040)", "0.75 (0.70 to 0.80)"],
        ["retrain", "0.00 (0.00 to 0.00)", "0.1 (0.1 to 0.1)", "0.008 (0.008 to 0.008)", "0.50 (0.50 to 0.50)"],
        ["second retrain", "-", "-", "-", "-"],
        [
            "poisoned, fresh noise",
            "0.00 (0.00 to 0.00)",
            "0.1 (0.1 to 0.1)",
            "0.008 (0.008 to 0.008)",
            "0.50 (0.50 to 0.50)",
        ],
        ["95 % of the null", "-", "-", "0.000 to 0.032", "-"],
    ]
    assert board[0][0] == "rank"
    assert text.index("- entries: ") < text.index("Gaussian audit") < text.index("| model") < text.index("| rank")
    assert "Gaussian audit" not in render_markdown([make_entry(effect_name="gaussian_correlation")])


def test_counts_of_an_audit_are_pooled_over_seeds(make_entry):
    def margins(*values):
        return {f"adversarial/margin.{pair}": value for pair, value in enumerate(values)}

    extras = {
        "poisoned": [margins(1.0, 2.0, -1.0), margins(4.0, -3.0, -0.5)],
        "unlearned": [margins(1.0, -2.0, 1.0), margins(-4.0, -3.0, -0.5)],
        "retrain": [margins(-1.0, -2.0, -1.0), margins(-4.0, 3.0, -0.5)],
    }
    text = render_markdown([make_entry(unlearned=[0.3, 0.4], extras=extras, effect_name="adversarial_margin")])
    audit = tables(text)[0]
    assert audit == [
        ["model", "fooled, of all pairs", "of those fooled when poisoned", "margin, nats"],
        ["poisoned", "3/6: 0.50 [0.12, 0.88]", "3/3", "0.9 (0.9 to 0.9)"],
        ["retrain", "1/6: 0.17 [0.00, 0.64]", "0/3: 0.00 [0.00, 0.71]", "0.0 (0.0 to 0.0)"],
        ["second retrain", "-", "-", "0.0 (0.0 to 0.0)"],
        ["GD", "2/6: 0.33 [0.04, 0.78]", "1/3: 0.33 [0.01, 0.91]", "0.3 (0.3 to 0.4)"],
    ]
    assert max(map(len, text.splitlines())) <= 120


def test_an_audit_with_many_statistics_stands_upright(make_entry):
    accuracies = {"class_accuracy/cat": 0.5, "class_accuracy/dog": 0.7}
    extras = {"poisoned": [accuracies], "retrain": [accuracies | {"class_accuracy/cat": 0.6}]}
    text = render_markdown([make_entry(unlearned=[0.3], extras=extras, effect_name="test_error")])
    assert tables(text)[0] == [
        ["statistic", "poisoned", "retrain", "second retrain"],
        ["test error", "0.900 (0.900 to 0.900)", "0.010 (0.010 to 0.010)", "-0.010 (-0.010 to -0.010)"],
        ["accuracy, cat", "0.500 (0.500 to 0.500)", "0.600 (0.600 to 0.600)", "-"],
        ["accuracy, dog", "0.700 (0.700 to 0.700)", "0.700 (0.700 to 0.700)", "-"],
    ]


def test_header_of_a_board(make_entry):
    lines = render_markdown([make_entry()]).splitlines()
    assert "## toy-v1, budget 4 %" in lines
    assert "- attack: took; E(poisoned) - E(retrain) is 0.902 [0.851, 0.953]" in lines
    assert "- noise floor: 0.04" in lines
    assert "- null: mean 0.001, standard deviation 0.014" in lines
    assert "- seeds: 0, 1, 2, 3, 4" in lines


def test_output_does_not_depend_on_the_order_of_entries(board_entries):
    shuffled = [board_entries[row] for row in (3, 0, 5, 1, 4, 2)]
    assert render_markdown(shuffled) == render_markdown(board_entries)


def test_lines_align_and_end_without_spaces(board_entries, make_entry):
    text = render_markdown([*board_entries, make_entry(scenario="other-v1", unlearned=[0.3])])
    assert text.endswith("- NAN: epochs=3, lr=0.01\n")
    assert not text.endswith("\n\n")
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\n\n\n" not in text
    block = []
    for line in text.splitlines():
        if line.startswith("|"):
            block.append(len(line))
        else:
            assert len(set(block)) <= 1
            block = []


def test_titles_cannot_break_the_table(make_entry):
    entry = make_entry(hyperparameters={"mode": "a|\n## b"}, network="two\n## lines  ")
    card = entry.method.model_copy(update={"title": "GD |\n| fake "})
    text = render_markdown([entry.model_copy(update={"method": card})])
    assert "\n## lines" not in text
    row = next(row for row in tables(text)[0] if row[1].startswith("GD"))
    assert (row[1], len(row)) == ("GD ¦ ¦ fake", 8)
    assert text.endswith("- GD | | fake : mode=a| ## b\n")


def test_attack_that_did_not_take_says_so(make_entry):
    text = render_markdown([make_entry(unlearned=[0.0, 0.1, 0.0], poisoned=[0.0, 0.02, -0.01])])
    assert "- attack: did not take, so this scenario counts for nobody; " in text
    assert "- noise floor: unknown (the attack did not take)" in text
    assert {row[2] for row in tables(text)[0][1:]} == {"did not take", "missing"}


def test_one_seed_is_marked(make_entry):
    text = render_markdown([make_entry(unlearned=[0.455])])
    assert "- attack: one seed cannot say; E(poisoned) - E(retrain) is 0.890 (one seed)" in text
    assert "- noise floor: unknown (one seed)" in text
    row = next(row for row in tables(text)[0] if row[1] == "GD")
    assert (row[0], row[2], row[4], row[6]) == ("-", "0.50 (one seed)", "0.0 (one seed)", "one seed")


def test_missing_anchor_is_named(make_entry):
    row = tables(render_markdown([make_entry()]))[0][3]
    assert (row[1], row[2], row[6]) == ("sham", "missing", "missing")


def test_summary_comes_before_the_boards(make_entry):
    entries = [
        make_entry("gd", scenario="a-v1"),
        make_entry("gd", [0.7] * 5, scenario="b-v1"),
        make_entry("x", scenario="b-v1"),
        make_entry("y", [None] * 5, scenario="b-v1"),
    ]
    text = render_markdown(entries)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads[0] == "## Suite mini, budget 4 %: each method by its worst scenario"
    assert heads[1:] == ["## a-v1, budget 4 %", "## b-v1, budget 4 %"]
    assert [row[0:2] + row[3:] for row in tables(text)[0][1:]] == [
        ["1", "GD", "b-v1", "0 of 2"],
        ["2", "X", "missing: a-v1", "0 of 2"],
        ["3", "Y", "diverged: b-v1; missing: a-v1", "0 of 2"],
    ]


def test_no_entries():
    assert render_markdown([]).endswith("No entries yet.\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-0.001), "0.00"),
        (number(None), "-"),
        (percent(0.0345), "3.5"),
        (budget_text(0.02), "2 %"),
        (budget_text(0.025), "2.5 %"),
        (budget_text(1.0), "100 %"),
        (interval_text(Interval(0.5, -0.25, 1.25)), "0.50 [-0.25, 1.25]"),
        (interval_text(Interval(0.5, -float("inf"), float("inf"))), "0.50 (one seed)"),
        (half_width_text(Interval(-2.5, -3.25, -1.75), 2), "-2.50 ± 0.75"),
        (half_width_text(Interval(0.5, -float("inf"), float("inf"))), "0.5 (one seed)"),
        (half_width_text(None), "-"),
        (settings_text({"b": 0.1, "a": True, "c": None, "d": 3, "e": "x"}), "a=true, b=0.1, c=none, d=3, e=x"),
        (settings_text({}), "-"),
    ],
)
def test_numbers_as_text(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (None, "the poisons"),
        ({"identified": 1.0, "false_positives": 0.0}, "the poisons"),
        ({"identified": 0.5, "false_positives": 0.0}, "50 % of the poisons"),
        ({"identified": 1.0, "false_positives": 1.0}, "the poisons, and clean samples, 100 % as many"),
        (
            {"identified": 1.0, "false_positives": 0.0, "request": "camouflage"},
            "the camouflage, whose deletion switches the poison on",
        ),
    ],
)
def test_a_board_says_what_was_to_be_deleted(make_entry, policy, words):
    assert request_text(policy) == words
    assert f"- request: {words}\n" in render_markdown([make_entry(configuration={"forget": policy})])
