import subprocess
from pathlib import Path

import pytest
import torch

from benchmark import provenance as module
from benchmark.provenance import provenance

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


def test_a_package_that_is_missing_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("no-such-package",))
    assert provenance("command", "32-true", {}).packages == {"no-such-package": "not installed"}
