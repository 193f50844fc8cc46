"""What the suite `mini` must show on real data, through the command line; takes some minutes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leaderboard import Entry, build_boards, read_entries

ROOT = Path(__file__).parents[1]
METHODS = {"gd", "ngd", "ga", "euk", "cfk", "scrub", "neggradplus", "ssd"}

pytestmark = [pytest.mark.slow, pytest.mark.data]


def mini(place: Path) -> str:
    places = ["--store", str(place / "store"), "--output", str(place / "out")]
    command = [sys.executable, "-m", "benchmark", "run", "--scenarios", "cifar10-gaussian-cnn-v1", *places]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mini")
    mini(folder)
    return folder


@pytest.fixture(scope="module")
def entries(place: Path) -> dict[str, Entry]:
    return {entry.method.name: entry for entry in read_entries(place / "out" / "entries")}


def test_the_poison_shows_in_every_poisoned_model(entries: dict[str, Entry]) -> None:
    for seed in entries["gd"].results[0].seeds:
        assert seed.poisoned.extra["gaussian/z"] > 5


def test_retrains_and_fresh_noise_read_as_null(entries: dict[str, Entry]) -> None:
    for seed in entries["gd"].results[0].seeds:
        for model in (seed.retrain, seed.second_retrain):
            assert abs(model.extra["gaussian/z"]) < 3.3
        for model in (seed.poisoned, seed.retrain, seed.unlearned):
            assert abs(model.extra["gaussian_fresh/z"]) < 3.3


def test_every_method_has_a_residual_with_an_interval(place: Path) -> None:
    (board,) = build_boards(read_entries(place / "out" / "entries"))
    rows = {row.name: row for row in (*board.anchors, *board.methods)}
    assert set(rows) == METHODS | {"no_unlearning", "retrain", "sham"}
    intervals = {name: row.contender.interval for name, row in rows.items() if row.contender is not None}
    for method in METHODS:
        assert intervals[method].low < intervals[method].estimate < intervals[method].high
    assert intervals["retrain"].estimate == 0
    assert intervals["no_unlearning"].estimate == 1


def test_a_second_run_computes_nothing(place: Path) -> None:
    assert "0 cells computed" in mini(place)
