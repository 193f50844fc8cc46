import pytest

from leaderboard.board import build_boards
from leaderboard.selection import Selection, SelectionError, select


@pytest.fixture
def entries(make_entry):
    return [
        make_entry("gd", scenario="a-v1", status="verified", budgets=(0.02, 0.1)),
        make_entry("scrub", scenario="a-v1"),
        make_entry("sham", scenario="a-v1"),
        make_entry("gd", scenario="b-v1", modality="text", attack="trigger-phrase"),
        make_entry("sham", scenario="b-v1", modality="text", attack="trigger-phrase"),
        make_entry("gd", scenario="c-v1", suite="smoke", attack="badnets"),
    ]


def names(entries):
    return [(entry.scenario, entry.method.name) for entry in entries]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["a gd", "a scrub", "a sham", "b gd", "b sham", "c gd"]),
        ({"suite": "smoke"}, ["c gd"]),
        ({"modality": "text"}, ["b gd", "b sham"]),
        ({"attack": "trigger_phrase"}, ["b gd", "b sham"]),
        ({"attack": "gaussian"}, ["a gd", "a scrub", "a sham"]),
        ({"scenario": "b-v1"}, ["b gd", "b sham"]),
        ({"budget": 0.1}, ["a gd"]),
        ({"verified": True}, ["a gd", "a sham"]),
        ({"modality": "image", "budget": 0.04}, ["a scrub", "a sham", "c gd"]),
        ({"modality": "image", "budget": 0.04, "suite": "smoke"}, ["c gd"]),
    ],
)
def test_selected(entries, given, expected):
    assert names(select(entries, Selection(**given))) == [(f"{name[0]}-v1", name[2:]) for name in expected]


def test_a_budget_leaves_only_its_results(entries):
    (entry,) = select(entries, Selection(budget=0.1))
    assert [result.budget for result in entry.results] == [0.1]
    assert [result.budget for result in entries[0].results] == [0.02, 0.1]


def test_verified_anchors_are_kept_without_a_verified_unlearner(make_entry):
    entries = [make_entry("gd"), make_entry("sham", status="verified"), make_entry("retrain", [0.0] * 5)]
    assert names(select(entries, Selection(verified=True))) == [("toy-v1", "sham")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"suite": "min"}, "suite 'min' must be that of some entry: mini or smoke; did you mean 'mini'?"),
        ({"modality": "sound"}, "modality 'sound' must be that of some entry: image or text"),
        (
            {"modality": "text", "attack": "badnets"},
            "attack 'badnets' must be that of some entry with modality text: trigger-phrase",
        ),
        (
            {"suite": "mini", "modality": "text", "budget": 0.1},
            "budget 0.1 must be that of some entry with suite mini and modality text: 0.04",
        ),
        ({"budget": 0.04, "verified": True}, "status 'verified' must be that of some entry with budget 0.04: claimed"),
        (
            {"suite": "smoke", "verified": True},
            "status 'verified' must be that of some entry with suite smoke: claimed",
        ),
    ],
)
def test_a_selection_that_holds_nothing_says_what_there_is(entries, given, message):
    with pytest.raises(SelectionError) as caught:
        select(entries, Selection(**given))
    assert str(caught.value) == message


def test_no_entries_hold_nothing():
    with pytest.raises(SelectionError, match="suite 'mini' must be that of some entry: there is none"):
        select([], Selection(suite="mini"))
    assert select([], Selection()) == []


def test_a_control_is_found_though_it_is_not_selected(make_entry):
    harm = make_entry("gd", scenario="harm-v1", configuration={"control": "shuffled-v1"})
    control = make_entry("gd", scenario="shuffled-v1", poisoned=[0.1, 0.12, 0.09, 0.11, 0.1])
    chosen = select([harm, control], Selection(scenario="harm-v1"))
    (board,) = build_boards(chosen, context=[harm, control])
    assert board == build_boards([harm, control])[0]
    assert board.took is True
    assert build_boards(chosen)[0].took is False
