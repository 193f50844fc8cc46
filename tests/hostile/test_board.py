"""A whole run of the benchmark with hostile submissions: store and board stay as they were, and each gets its row."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from leaderboard import Entry, read_entries

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


class Lab(Protocol):
    """Hands out submissions; made in conftest.py."""

    def submission(self, name: str, *, bait: Path) -> str: ...


def run(place: Path, methods: str) -> subprocess.CompletedProcess[str]:
    options = ["--scenarios", "digits-gaussian-cnn-v1", "--max-train-steps", "60", "--seeds", "0", "--workers", "1"]
    places = ["--store", str(place / "store"), "--output", str(place / "out"), "--unlearners", methods]
    command = [sys.executable, "-m", "benchmark", "run", *options, *places]
    environment = {name: value for name, value in os.environ.items() if name != "UNPOISON_SANDBOX"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


def contents(store: Path) -> dict[str, str]:
    files = (path for path in store.rglob("*") if path.is_file() and path.parent.name != "locks")
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(place: Path) -> dict[str, Entry]:
    return {entry.method.name: entry for entry in read_entries(place / "out" / "entries")}


@pytest.mark.usefixtures("walls")
def test_store_and_board_are_as_before_but_for_the_rows_that_were_asked_for(lab: Lab, tmp_path: Path) -> None:
    assert run(tmp_path, "gd").returncode == 0
    store, board = contents(tmp_path / "store"), rows(tmp_path)
    vain = ["patches_memory", "flips_store", "fakes_entry"]
    names = [*vain, "returns_nan", "exits_early"]
    done = run(tmp_path, ",".join(lab.submission(name, bait=tmp_path) for name in names))
    assert done.returncode == 1
    assert "handed back no ledger.json" in done.stdout + done.stderr
    after, found = contents(tmp_path / "store"), rows(tmp_path)
    assert {name: after.get(name) for name in store} == store
    assert {name.split("/")[0] for name in set(after) - set(store)} == {"unlearn", "score"}
    assert set(found) - set(board) == set(names) - {"exits_early"}
    assert all(found[name].results == entry.results for name, entry in board.items())
    assert found["returns_nan"].status == "diverged"
    scores = {name: found[name].results[0].seeds[0].unlearned for name in ("gd", *vain)}
    assert all(scores[name] == scores["gd"] for name in vain)
    for name in (*vain, "returns_nan"):
        source = found[name].source
        assert source is not None
        assert (source.file, source.class_name) == (f"{name}.py", "Hostile")
        assert found[name].protection.kind == "bubblewrap"
