"""A scenario whose control does as much harm did not take."""

import numpy as np
import pytest
from scipy import stats

from leaderboard.board import build_boards

ATTACK, CONTROL = "toy-v1", "toy-v1.shuffled"


def attack(**changes):
    return {"scenario": ATTACK, "configuration": {"control": CONTROL}} | changes


def board_of(build, control, **changes):
    entries = [build(**attack(**changes))]
    if control is not None:
        entries.append(build(scenario=CONTROL, poisoned=control, retrain=[value / 100 for value in control]))
    return next(board for board in build_boards(entries) if board.entry.scenario == ATTACK)


def test_an_attack_that_beats_its_control_took(make_entry):
    control = [0.20, 0.31, 0.25, 0.22, 0.27]
    board = board_of(make_entry, control)

    assert board.took is True
    assert board.methods[0].contender.residual.took is True
    difference = np.subtract([0.90, 0.95, 0.86, 0.92, 0.88], control)
    low, high = stats.t.interval(0.95, 4, difference.mean(), stats.sem(difference))
    assert f"E differs by {difference.mean():.3f} [{low:.3f}, {high:.3f}]" in board.notes[0]
    assert "the attack does more than its control toy-v1.shuffled" in board.notes[0]


def test_an_attack_that_does_what_its_control_does_did_not_take(make_entry):
    board = board_of(make_entry, [0.91, 0.94, 0.87, 0.90, 0.89])

    assert board.took is False
    assert all(row.rank is None for row in board.methods)
    assert {row.verdict for row in board.methods} == {"did not take"}
    assert "does not do more than its control" in board.notes[0]


@pytest.mark.parametrize("seeds", [None, 7])
def test_a_control_that_was_not_run_on_these_seeds_is_missed(make_entry, seeds):
    entries = [make_entry(**attack())]
    if seeds:
        entries.append(make_entry(scenario=CONTROL, first_seed=seeds))
    board = next(board for board in build_boards(entries) if board.entry.scenario == ATTACK)

    assert board.took is False
    assert board.notes[0].startswith("the control toy-v1.shuffled was not run on the same seeds")


def test_a_scenario_without_control_has_no_such_note(make_entry):
    (board,) = build_boards([make_entry()])

    assert not [note for note in board.notes if "control" in note]
