"""Entries join the published board only where they may, and the board is what they say."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from benchmark.cli import main
from benchmark.methods import default_method
from benchmark.publish import published_faults
from benchmark.run import Places, Request, compute
from benchmark.scenario import Scenario
from leaderboard import Entry, Source, read_entries, read_entry, write_entry
from leaderboard.entry import entry_path


@dataclass(frozen=True)
class Place:
    """The output of a run, and a published board."""

    output: Path
    entries: Path

    def publish(self, *options: str) -> int:
        return main(["publish", "--output", str(self.output), "--entries", str(self.entries), *options])

    def run_entry(self, method: str) -> Entry:
        (found,) = [entry for entry in read_entries(self.output / "entries") if entry.method.name == method]
        return found

    def rewrite(self, row: str, **fields: object) -> Entry:
        """Change an entry of the run."""
        entry = self.run_entry(row)
        entry_path(entry, self.output / "entries").unlink()
        changed = entry.model_copy(update=fields)
        write_entry(changed, self.output / "entries")
        return changed


@pytest.fixture(scope="module")
def entries(tiny: Scenario, tmp_path_factory: pytest.TempPathFactory) -> tuple[Entry, ...]:
    store = tmp_path_factory.mktemp("publish") / "store"
    request = Request((tiny,), (default_method("gd"),))
    found = compute(request, Places(store, store), Console(quiet=True), told="").entries
    return tuple(
        entry.model_copy(update={"provenance": entry.provenance.model_copy(update={"dirty": False})}) for entry in found
    )


@pytest.fixture
def place(entries: tuple[Entry, ...], tmp_path: Path) -> Place:
    place = Place(tmp_path / "out", tmp_path / "board" / "entries")
    for entry in entries:
        write_entry(entry, place.output / "entries")
    return place


def test_the_entries_of_a_run_become_the_board(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.publish() == 0
    assert read_entries(place.entries) == read_entries(place.output / "entries")
    assert "GD" in (place.entries.parent / "LEADERBOARD.md").read_text()
    assert "<html" in (place.entries.parent / "leaderboard.html").read_text()
    assert capsys.readouterr().out.count("new ") == 4
    assert published_faults(place.entries) == []


def test_a_verified_entry_stays_where_the_results_are_the_same(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.publish()
    path = entry_path(place.run_entry("gd"), place.entries)
    write_entry(read_entry(path).model_copy(update={"status": "verified"}), place.entries)
    capsys.readouterr()
    assert place.publish() == 0
    assert read_entry(path).status == "verified"
    assert capsys.readouterr().out.count("unchanged") == 4
    place.rewrite("gd", hyperparameters={"lr": 0.3})
    assert place.publish() == 0
    assert read_entry(path).status == "claimed"
    assert "replaced  digits-gaussian-cnn-v1 gd" in capsys.readouterr().out


def test_entries_of_uncommitted_code_are_refused_unless_asked_for(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    provenance = place.run_entry("gd").provenance.model_copy(update={"dirty": True})
    place.rewrite("gd", provenance=provenance)
    assert place.publish() == 2
    assert "gd is not published: it was made with uncommitted code" in capsys.readouterr().err
    assert not place.entries.parent.exists()
    assert place.publish("--allow-dirty") == 0


def test_scenarios_cut_short_or_other_than_here_are_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.rewrite("gd", scenario="digits-gaussian-cnn-v1.first-20-steps")
    assert place.publish("--allow-dirty") == 2
    assert "its trainings were cut short" in capsys.readouterr().err
    configuration = place.run_entry("sham").configuration
    shutil.rmtree(place.output / "entries" / "digits-gaussian-cnn-v1.first-20-steps")
    place.rewrite("sham", configuration=configuration | {"forget_batch_size": 1})
    assert place.publish("--allow-dirty") == 2
    assert "forget_batch_size differ" in capsys.readouterr().err


def test_a_submitted_file_goes_with_its_entries_and_a_name_is_taken_once(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    card = place.run_entry("gd").method.model_copy(update={"name": "mine"})
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of no bytes at all
    source = Source(file="mine.py", class_name="Mine", sha256=sha256)
    place.rewrite("gd", method=card, source=source)
    assert place.publish() == 2
    assert "mine.py, is missing" in capsys.readouterr().err
    kept = place.output / "submissions" / "mine.py"
    kept.parent.mkdir()
    kept.write_text("another")
    assert place.publish() == 2
    assert "is not the file that was run" in capsys.readouterr().err
    kept.write_bytes(b"")
    assert place.publish() == 0
    assert (place.entries.parent / "submissions" / "mine.py").read_bytes() == b""
    place.rewrite("mine", source=source.model_copy(update={"class_name": "Other"}))
    assert place.publish() == 2
    assert "'mine' is taken by class Mine" in capsys.readouterr().err


def test_no_entries_are_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "entries").mkdir()
    assert main(["publish", "--output", str(tmp_path), "--entries", str(tmp_path / "board")]) == 2
    assert "holds no entries" in capsys.readouterr().err


def test_a_board_that_is_not_what_its_entries_say_is_told(place: Place) -> None:
    place.publish()
    board = place.entries.parent
    table, page = board / "LEADERBOARD.md", board / "leaderboard.html"
    table.write_text(table.read_text().replace("GD", "DG"))
    page.unlink()
    assert [fault.partition(" ")[0] for fault in published_faults(place.entries)] == [str(table), str(page)]
    place.publish()
    entry = read_entry(entry_path(place.run_entry("gd"), place.entries))
    write_entry(entry.model_copy(update={"status": "verified"}), place.entries)
    assert len(published_faults(place.entries)) == 2
    place.publish()
    source = Source(file="gone.py", class_name="Gone", sha256="0" * 64)
    write_entry(entry.model_copy(update={"source": source}), place.entries)
    assert any("gone.py, is missing" in fault for fault in published_faults(place.entries))
