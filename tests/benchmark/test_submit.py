"""From a file with a method to its rows on the board."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from benchmark import submit as module
from benchmark.cli import main
from benchmark.graph import Failure
from benchmark.methods import default_method
from benchmark.run import Computed, Places, Request, compute
from benchmark.scenario import Scenario
from benchmark.template import TEMPLATE
from leaderboard import read_entries, read_entry, write_entry

ROOT = Path(__file__).parents[2]
NAME = "digits-gaussian-cnn-v1"


@pytest.fixture(scope="module")
def home(tiny: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which the anchors of one scenario are computed already."""
    home = tmp_path_factory.mktemp("submit")
    places = Places(home / "store", home)
    assert not compute(Request((tiny,), (default_method("gd"),)), places, Console(quiet=True), told="").failures
    return home


@pytest.fixture
def method(home: Path) -> Path:
    file = home / "my_method.py"
    file.write_text(TEMPLATE.read_text())
    return file


def submit(home: Path, *options: str, reference: str = "my_method.py:MyMethod") -> int:
    places = ["--store", str(home / "store"), "--entries", str(home / "board" / "entries")]
    return main(["submit", f"--unlearner={home / reference}", "--scenarios", NAME, *places, *options])


def test_a_submission_becomes_a_row_among_its_neighbours(
    home: Path, method: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = set((home / "store" / "train").iterdir())
    assert submit(home) == 0
    shown = capsys.readouterr().out
    board = home / "board"
    entries = {entry.method.name: entry for entry in read_entries(board / "entries")}
    assert set(entries) == {"my_method", "no_unlearning", "retrain", "sham"}
    entry = entries["my_method"]
    assert entry.status == "claimed"
    assert entry.source is not None
    assert (board / "submissions" / entry.source.file).read_bytes() == method.read_bytes()
    assert entry.protection.kind != "shipped"
    assert "My method" in (board / "LEADERBOARD.md").read_text()
    assert set((home / "store" / "train").iterdir()) == trained
    for words in (f"## {NAME}, budget 10 %", "| My method", "| Retrain", "| Sham", "My method: ", str(board)):
        assert words in shown

    verified = entry.model_copy(update={"status": "verified"})
    write_entry(verified, board / "entries")
    assert submit(home) == 0
    assert "my_method.json: unchanged" in capsys.readouterr().out
    assert read_entry(board / "entries" / NAME / "my_method.json").status == "verified"

    (home / "theirs.py").write_text(TEMPLATE.read_text().replace("MyMethod", "Theirs"))
    assert submit(home, reference="theirs.py:Theirs") == 2
    assert "'my_method' is taken by class MyMethod (Nobody, Nowhere, 2026)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_that_changed_replaces_its_entries_and_those_left_behind_are_told(
    home: Path, method: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = home / "board"
    assert submit(home) == 0
    entry = read_entry(board / "entries" / NAME / "my_method.json")
    method.write_text(method.read_text() + "\n# said in other words\n")
    write_entry(entry.model_copy(update={"scenario": "elsewhere-v1"}), board / "entries")
    assert submit(home) == 0
    shown = capsys.readouterr().out
    assert "my_method.json: replaced, claimed" in shown
    assert "no longer can be verified" in shown
    assert "elsewhere-v1 my_method" in shown
    (board / "entries" / "elsewhere-v1" / "my_method.json").unlink()


@pytest.mark.slow
def test_a_variant_stands_among_its_neighbours_by_rank(
    home: Path, method: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = home / "board"
    assert submit(home) == 0
    other = method.read_text().replace('name="my_method"', 'name="ascent"').replace('title="My method"', 'title="A"')
    (home / "ascent.py").write_text(other)
    assert submit(home, "--unlearner.alpha=2.5", reference="ascent.py:MyMethod") == 0
    shown = capsys.readouterr().out
    row = re.findall(
        r"^\| .*A \(alpha=2.5\) .*My method .*$|^\| .*\| (A \(alpha=2.5\)|My method) ", shown, re.MULTILINE
    )
    assert set(row) == {"A (alpha=2.5)", "My method"}
    assert (board / "submissions" / "ascent.py").read_text() == other


def test_a_method_that_fails_a_check_is_not_run(home: Path, method: Path, capsys: pytest.CaptureFixture[str]) -> None:
    method.write_text(method.read_text().replace("retain - self.alpha * forget", "retain - 0.1 * forget"))
    before = sorted((home / "store").rglob("*")), sorted((home / "board").rglob("*"))
    assert submit(home) == 1
    shown = capsys.readouterr().out
    assert "to fix: every_hyperparameter_matters" in shown
    assert "alpha" in shown
    assert "nothing was run" in shown
    assert (sorted((home / "store").rglob("*")), sorted((home / "board").rglob("*"))) == before


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("gd", "'gd' is a method of this repository"),
        ("gdd", "unknown unlearner 'gdd'"),
        ("nowhere.py:X", "no file 'nowhere.py'"),
    ],
)
def test_what_is_no_submission_is_refused(reference: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", f"--unlearner={reference}", "--suite", "smoke"]) == 2
    assert told in capsys.readouterr().err


def test_entries_of_other_scenarios_are_written_where_one_fails(
    home: Path, method: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> Computed:
        found = compute(*arguments, **options)  # type: ignore[arg-type]
        return Computed(found.entries, (Failure("other / unlearn my_method", "SubmissionError: it fell over"),), {})

    monkeypatch.setattr(module, "compute", broken)
    assert submit(home, "--entries", str(home / "half" / "entries")) == 1
    assert "failed: other / unlearn my_method: SubmissionError: it fell over" in capsys.readouterr().out
    assert (home / "half" / "entries" / NAME / "my_method.json").exists()


def test_help_and_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--suite", "smoke"]) == 2
    assert "--unlearner must name a method" in capsys.readouterr().err
    assert main(["submit", "--unlearner=gd", "--workers", "0"]) == 2
    assert "--workers must be at least 1, got 0" in capsys.readouterr().err
    assert main(["submitt"]) == 2
    assert "did you mean 'submit'" in capsys.readouterr().err


def test_the_template_is_short_and_keeps_the_style_of_this_repository(tmp_path: Path) -> None:
    assert len(TEMPLATE.read_text().splitlines()) <= 40
    assert main(["new", str(tmp_path / "second_try.py")]) == 0
    text = (tmp_path / "second_try.py").read_text()
    assert "class SecondTry(Unlearner)" in text
    assert 'name="second_try"' in text
    assert 'title="Second try"' in text
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["my_method.py", "My-Method.py", "method", "scrub.py", "no/folder.py"])
def test_a_file_is_not_overwritten_and_gives_a_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my_method.py").write_text("mine")
    assert main(["new", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "my_method.py").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["my_method.py"]
