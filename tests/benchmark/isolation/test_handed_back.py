"""Whatever a submission leaves behind is either what was asked for, or one clear line."""

import json
import os
import pickle

import pytest
import torch
from pydantic import BaseModel
from safetensors.torch import save_file

from benchmark.isolation import SubmissionError
from benchmark.isolation.handed_back import read_json, read_ledger, read_state

EXPECTED = {"weight": torch.zeros(3, 2), "count": torch.tensor(4)}
LEDGER = {
    "forward_passes": 10.0,
    "backward_passes": 20.0,
    "wall_clock_s": 0.5,
    "refused": False,
    "plan": {"steps": 3, "epochs": 1, "passes": 30.0, "cut": True},
    "snapshots": [{"step": 1, "passes": 10.0}, {"step": 2, "passes": 20.0}],
}


def test_the_state_that_was_asked_for_is_read(tmp_path) -> None:
    state = {"weight": torch.tensor([[1.0, 2.0]] * 3), "count": torch.tensor(7)}
    save_file(state, tmp_path / "w.safetensors")
    found = read_state(tmp_path / "w.safetensors", EXPECTED)
    assert all(torch.equal(found[name], value) for name, value in state.items())


def test_numbers_that_are_not_finite_are_let_through(tmp_path) -> None:
    save_file(EXPECTED | {"weight": torch.full((3, 2), torch.nan)}, tmp_path / "w.safetensors")
    assert read_state(tmp_path / "w.safetensors", EXPECTED)["weight"].isnan().all()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"weight": torch.zeros(3, 2)}, "no tensor 'count'"),
        (EXPECTED | {"more": torch.zeros(1)}, "unknown tensor 'more'"),
        (EXPECTED | {"weight": torch.zeros(2, 3)}, "weight in w.safetensors must be 3x2 of float32, got 2x3"),
        (EXPECTED | {"weight": torch.zeros(3, 2).double()}, "must be 3x2 of float32, got 3x2 of float64"),
        (EXPECTED | {"count": torch.zeros(1, dtype=torch.int64)}, "must be a scalar of int64, got 1 of int64"),
        (EXPECTED | {"weight": torch.zeros(3, 20_000)}, r"has \d+ bytes, at most \d+ were expected"),
    ],
)
def test_another_state_is_refused(state, told, tmp_path) -> None:
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(SubmissionError, match=told):
        read_state(tmp_path / "w.safetensors", EXPECTED)


def test_no_pickle_is_opened(tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "w.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(SubmissionError, match="no safetensors file"):
        read_state(tmp_path / "w.safetensors", EXPECTED)
    assert not (tmp_path / "sprung").exists()


def test_a_header_that_claims_too_much_is_refused(tmp_path) -> None:
    (tmp_path / "w.safetensors").write_bytes((10**8).to_bytes(8, "little") + b"{}")
    with pytest.raises(SubmissionError, match="no safetensors file"):
        read_state(tmp_path / "w.safetensors", EXPECTED)


def test_links_pipes_and_folders_are_no_files(tmp_path) -> None:
    save_file(EXPECTED, tmp_path / "real.safetensors")
    (tmp_path / "link").symlink_to(tmp_path / "real.safetensors")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(SubmissionError, match="no plain file"):
            read_state(tmp_path / name, EXPECTED)
    with pytest.raises(SubmissionError, match="handed back no nothing"):
        read_state(tmp_path / "nothing", EXPECTED)


def ledger(tmp_path, changes):
    (tmp_path / "ledger.json").write_text(json.dumps(LEDGER | changes))
    return read_ledger(tmp_path, "ledger.json", budget=30.0, snapshots=2)


def test_a_ledger_within_its_budget_is_read(tmp_path) -> None:
    found = ledger(tmp_path, {})
    assert found.passes == 30
    assert found.model_dump() == LEDGER


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"forward_passes": 11.0}, "says 31 network passes, the budget is 30"),
        ({"snapshots": LEDGER["snapshots"][:1] * 3}, "names 3 snapshots, at most 2"),
        ({"snapshots": LEDGER["snapshots"][::-1]}, "in their order"),
        ({"snapshots": [{"step": 1, "passes": 31.0}]}, "within the passes"),
        ({"forward_passes": -1.0}, "forward_passes"),
        ({"forward_passes": "10"}, "forward_passes"),
        ({"forward_passes": float("nan")}, "forward_passes"),
        ({"explained": True}, "explained"),
        ({"refused": 1}, "refused"),
    ],
)
def test_a_ledger_that_cannot_be_is_refused(changes, told, tmp_path) -> None:
    with pytest.raises(SubmissionError, match=told):
        ledger(tmp_path, changes)


def test_a_large_or_broken_json_is_refused(tmp_path) -> None:
    class Any(BaseModel):
        text: str

    for content in ("{", "[" * 100_000, json.dumps({"text": "x" * 300_000})):
        (tmp_path / "j.json").write_text(content)
        with pytest.raises(SubmissionError, match=r"j\.json"):
            read_json(tmp_path / "j.json", Any)
