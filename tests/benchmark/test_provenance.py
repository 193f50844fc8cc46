import subprocess
from pathlib import Path

import pytest
import torch

from benchmark import provenance as module
from benchmark.provenance import difference_from, provenance

ROOT = Path(__file__).parents[2]


def test_it_names_commit_versions_and_fingerprints() -> None:
    found = provenance("command", "32-true", {"corpus": "c"})
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert found.commit == head.strip()
    assert found.packages["torch"] == torch.__version__.partition("+")[0]
    assert found.fingerprints == {"corpus": "c"}
    assert found.created.tzinfo is not None


def test_without_git_the_commit_is_unknown_and_counts_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = provenance("command", "32-true", {})
    assert (found.commit, found.dirty) == ("unknown", True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and code in one room."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for folder in ("benchmark", "leaderboard/entries"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "benchmark" / "code.py").write_text("1")
    (tmp_path / "leaderboard" / "entries" / "one.json").write_text("{}")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(checkout: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()


def commit(checkout: Path) -> str:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "m")
    return git(checkout, "rev-parse", "HEAD")


def test_published_results_and_files_beside_the_code_leave_it_clean(checkout: Path) -> None:
    first = git(checkout, "rev-parse", "HEAD")
    (checkout / "leaderboard" / "entries" / "one.json").write_text("changed")
    (checkout / "my_method.py").write_text("new")
    assert not provenance("command", "32-true", {}).dirty
    assert difference_from(first) is None
    commit(checkout)
    assert difference_from(first) is None


def test_code_that_was_changed_added_or_committed_differs(checkout: Path) -> None:
    first = git(checkout, "rev-parse", "HEAD")
    (checkout / "benchmark" / "new.py").write_text("2")
    assert provenance("command", "32-true", {}).dirty
    assert "benchmark/new.py" in (difference_from(first) or "")
    second = commit(checkout)
    assert "benchmark/new.py" in (difference_from(first) or "")
    assert difference_from(second) is None
    (checkout / "benchmark" / "code.py").write_text("3")
    assert "benchmark/code.py" in (difference_from(second) or "")


@pytest.mark.parametrize("name", ["unknown", "0" * 40, "--help", "HEAD"])
def test_what_is_no_commit_here_is_told(name: str, checkout: Path) -> None:
    assert repr(name) in (difference_from(name) or "")


def test_a_package_that_is_missing_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("no-such-package",))
    assert provenance("command", "32-true", {}).packages == {"no-such-package": "not installed"}
