"""What CONTRIBUTING.md tells a newcomer to do works as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark import provenance, verify
from benchmark.cli import _parse as parse
from benchmark.cli import main
from benchmark.publish import published_faults
from benchmark.scenario import Scenario
from leaderboard import read_entry
from lightning_modules import UNLEARNERS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def method(tmp_path: Path) -> Path:
    file = tmp_path / "my_method.py"
    assert main(["new", str(file)]) == 0
    return file


def walk() -> list[list[str]]:
    """The commands that lead from nothing to a verified row, as CONTRIBUTING.md has them."""
    (block,) = re.findall(r"```sh\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    lines = [line.partition("#")[0].split() for line in block.splitlines()]
    assert all(line[:3] == ["python", "-m", "benchmark"] for line in lines)
    return [line[3:] for line in lines]


def test_the_walk_leads_from_the_template_to_a_verified_row(
    tiny: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a scenario that trains in a moment, and as if the checkout were clean."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provenance, "_commit", lambda: ("0" * 40, False))
    monkeypatch.setattr(verify, "difference_from", lambda _: None)
    shown = {}
    for command in walk():
        words = [re.sub("^mini$", "smoke", word).replace("cifar10-gaussian-cnn-v2", tiny.name) for word in command]
        assert main(words) == 0, words
        shown[words[0]] = capsys.readouterr().out
    assert list(shown) == ["new", "check", "run", "submit", "verify"]
    assert "0 failed" in shown["check"]
    assert "My method" in (tmp_path / "output" / "smoke" / "leaderboard.md").read_text()
    assert (tmp_path / "output" / "smoke" / "submissions" / "my_method.py").exists()
    assert "| My method" in shown["submit"]
    entry = read_entry(tmp_path / "leaderboard" / "entries" / tiny.name / "my_method.json")
    assert entry.status == "verified"
    assert published_faults(tmp_path / "leaderboard" / "entries") == []


def test_dropping_the_example_in_the_folder_is_all_it_takes(method: Path, tmp_path: Path) -> None:
    """It registers, and keeps the style that `make lint` asks for; nothing else is touched."""
    tree = tmp_path / "tree"
    for room in ("datamodules", "lightning_modules"):
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tree / "pyproject.toml")
    target = tree / "lightning_modules" / "unlearners" / "my_method.py"
    shutil.copyfile(method, target)
    script = "from lightning_modules import UNLEARNERS; print(*UNLEARNERS.all())"
    found = subprocess.run([sys.executable, "-c", script], cwd=tree, capture_output=True, text=True, check=True)
    lint = subprocess.run([sys.executable, "-m", "ruff", "check", str(target)], cwd=tree, check=False)
    assert found.stdout.split() == sorted([*UNLEARNERS.all(), "my_method"])
    assert lint.returncode == 0


def test_every_command_of_the_documents_is_accepted() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    commands = [line.partition("#")[0].split()[3:] for line in lines if line.startswith("python -m benchmark ")]
    assert {"run", "submit", "verify", "publish", "new", "check"} <= {command[0] for command in commands}
    for command in commands:
        values = parse(command)
        assert values is not None, command
        assert values.subcommand == command[0]


def test_every_verb_that_the_documents_name_exists() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    verbs = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"[`\n]make ([a-z-]+)", text)) <= set(verbs)
    assert {"submit", "verify", "publish", "page"} <= set(verbs)
