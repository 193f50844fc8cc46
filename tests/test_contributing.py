"""What CONTRIBUTING.md tells a newcomer to do works as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli import main
from lightning_modules import UNLEARNERS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def method(tmp_path: Path) -> Path:
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    file = tmp_path / "my_method.py"
    file.write_text(text)
    return file


def test_the_example_keeps_the_contract(method: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"--unlearner={method}:MyMethod"]) == 0
    assert "0 failed" in capsys.readouterr().out


def test_the_example_becomes_a_row_next_to_the_shipped_ones(method: Path, tmp_path: Path) -> None:
    places = ["--store", str(tmp_path / "store"), "--output", str(tmp_path / "out"), "--workers", "1"]
    short = ["--suite", "smoke", "--seeds", "0,1", "--max-train-steps", "20"]
    assert main(["run", *short, "--unlearners", f"{method}:MyMethod", *places]) == 0
    assert "My method" in (tmp_path / "out" / "leaderboard.md").read_text()


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


def test_every_command_of_the_readme_is_accepted() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    commands = [line.partition("#")[0].split()[3:] for line in lines if line.startswith("python -m benchmark ")]
    assert len(commands) > 6
    for command in commands:
        if "my_method.py:MyMethod" not in " ".join(command):
            with pytest.raises(SystemExit) as end:
                main([*command, "--print_config"])
            assert end.value.code == 0, command
