import pytest

from leaderboard.markdown import render_markdown
from leaderboard.statistics import Interval
from leaderboard.text import budget_text, interval_text, number, percent, settings_text


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
    assert table[0][:4] == ["rank", "method", "residual", "accuracy %"]
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
    assert cells["CLEAN"][-1] == "epochs=3, lr=0.01"


def test_header_of_a_board(make_entry):
    lines = render_markdown([make_entry()]).splitlines()
    assert "## toy-v1, budget 4 %" in lines
    assert "- attack: took; E(poisoned) - E(retrain) is 0.902 [0.851, 0.953]" in lines
    assert "- noise floor: 0.04" in lines
    assert "- null: 0.001 ± 0.014" in lines
    assert "- seeds: 0, 1, 2, 3, 4" in lines


def test_output_does_not_depend_on_the_order_of_entries(board_entries):
    shuffled = [board_entries[row] for row in (3, 0, 5, 1, 4, 2)]
    assert render_markdown(shuffled) == render_markdown(board_entries)


def test_lines_align_and_end_without_spaces(board_entries, make_entry):
    text = render_markdown([*board_entries, make_entry(scenario="other-v1", unlearned=[0.3])])
    assert text.endswith("|\n")
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
    entry = make_entry(hyperparameters={"mode": "a|b"}, network="two\n## lines  ")
    card = entry.method.model_copy(update={"title": "GD |\n| fake "})
    text = render_markdown([entry.model_copy(update={"method": card})])
    assert "\n## lines" not in text
    row = next(row for row in tables(text)[0] if row[1].startswith("GD"))
    assert (row[1], row[-1], len(row)) == ("GD ¦ ¦ fake", "mode=a¦b", 11)


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
    assert (row[1], row[2], row[6], row[9]) == ("sham", "missing", "missing", "missing")


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
        (settings_text({"b": 0.1, "a": True, "c": None, "d": 3, "e": "x"}), "a=true, b=0.1, c=none, d=3, e=x"),
        (settings_text({}), "-"),
    ],
)
def test_numbers_as_text(text, expected):
    assert text == expected
