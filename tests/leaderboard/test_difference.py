import pytest

from leaderboard.difference import compare, render_difference

SHIFTED = [0.31, 0.36, 0.26, 0.32, 0.29]


def fields(difference):
    return {(change.before.scenario, change.before.name): change.fields for change in difference.changed}


def test_equal_boards_do_not_differ(board_entries):
    difference = compare(board_entries, board_entries[::-1])
    assert difference.equal
    assert difference.unchanged == len(board_entries)
    assert render_difference(difference, "x", "y") == (
        f"# Difference of two leaderboards\n\n- A: x\n- B: y\n\n{len(board_entries)} rows agree.\n"
    )


def test_rows_of_one_board_only(make_entry):
    before = [make_entry("gd", budgets=(0.04, 0.1)), make_entry("ga")]
    after = [make_entry("gd"), make_entry("gd", scenario="b-v1"), make_entry("ga")]
    difference = compare(before, after)
    assert [(row.scenario, row.budget, row.name) for row in difference.removed] == [("toy-v1", 0.1, "gd")]
    assert [(row.scenario, row.budget, row.name) for row in difference.added] == [("b-v1", 0.04, "gd")]
    assert (difference.changed, difference.unchanged, difference.equal) == ((), 2, False)
    text = render_difference(difference, "x", "y")
    assert "## only in A: 1\n\n| scenario | budget | method | " in text
    assert "| toy-v1   |   10 % | gd     | 0.33 [0.29, 0.37] |" in text
    assert "## only in B: 1" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unlearned": SHIFTED}, ("residual",)),
        ({"unlearned": [0.31, 0.35, 0.24, 0.31, 0.28]}, ("residual",)),  # the same mean, another interval
        ({"accuracy": 0.701}, ("accuracy",)),
        ({"status": "verified"}, ("status",)),
        ({"status": "unreliable"}, ("status", "rank")),
        ({"unlearned": [0.3, None, 0.25, 0.31, 0.28]}, ("residual", "status", "verdict")),
        ({"fraction": 0.05}, ("verdict",)),
        ({"hyperparameters": {}}, None),
    ],
)
def test_what_differs_is_named(make_entry, changes, expected):
    difference = compare([make_entry()], [make_entry(**changes)])
    assert fields(difference) == ({("toy-v1", "gd"): expected} if expected else {})


def test_ranks_of_others_change(make_entry):
    before = [make_entry("a", [0.1, 0.11, 0.1]), make_entry("b", [0.3, 0.31, 0.3])]
    after = [make_entry("a", [0.6, 0.61, 0.6]), make_entry("b", [0.3, 0.31, 0.3])]
    assert fields(compare(before, after)) == {("toy-v1", "a"): ("residual", "rank"), ("toy-v1", "b"): ("rank",)}
    text = render_difference(compare(before, after), "x", "y")
    assert "| toy-v1   |    4 % | b      | rank     |                       2 |                       1 |" in text


def test_tolerance_covers_residual_and_accuracy(make_entry):
    before, after = [make_entry()], [make_entry(unlearned=SHIFTED, accuracy=0.705)]
    assert fields(compare(before, after, 0.004)) == {("toy-v1", "gd"): ("residual", "accuracy")}
    assert fields(compare(before, after, 0.006)) == {("toy-v1", "gd"): ("residual",)}
    assert compare(before, after, 0.02).equal


def test_rounding_is_no_difference(make_entry):
    assert compare([make_entry()], [make_entry(unlearned=[0.3 + 1e-12, 0.35, 0.25, 0.31, 0.28])]).equal


def test_changes_are_printed_with_both_values(make_entry):
    difference = compare([make_entry()], [make_entry(unlearned=SHIFTED, accuracy=0.705)])
    lines = render_difference(difference, "x", "y").splitlines()
    assert "## changed: 1" in lines
    assert "| toy-v1   |    4 % | gd     | accuracy |                  70.000 |                  70.500 |" in lines


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf")])
def test_tolerance_must_be_a_number(make_entry, tolerance):
    with pytest.raises(ValueError, match="tolerance must be a finite number of at least 0, got"):
        compare([], [], tolerance)
