from pathlib import Path

import pytest

from benchmark.cli import main

PLUGIN = '''
"""A method outside the tree."""

from lightning_modules.unlearners.gd import GD


class {name}(GD):
    """Gradient descent under another name."""
'''

MISTAKES = {
    "list --suite smok": ["unknown suite 'smok'", "did you mean 'smoke'"],
    "run --suite smok": ["unknown suite 'smok'", "did you mean 'smoke'"],
    "run --scenarios cifar10-gausian-cnn-v1": ["did you mean 'cifar10-gaussian-cnn-v1'"],
    "run --unlearners scrubb": ["unknown unlearner 'scrubb'", "did you mean 'scrub'"],
    "run --unlearners gd,gd": ["'gd' is given twice"],
    "run --unlearners nofile.py:X": ["no file 'nofile.py'", "path/to/file.py:Class"],
    "run --unlearner=Scrub --unlearner.alpah=0.2": ["'alpah' is not accepted", "did you mean 'alpha'"],
    "run --unlearner=Scrub --unlearner.alpha=-2": ["alpha must be at least 0, got -2"],
    "run --unlearner=scrub --unlearner.alpha=abc": ["--unlearner.alpha: expected a number, got abc"],
    "run --unlearner=gd --unlearner.lr_schedule=foo": ["--unlearner.lr_schedule", "'cosine'", "got foo"],
    "run --unlearner=gd --unlearner.lr=0": ["lr must be positive, got 0"],
    "run --unlearner=euk --unlearner.k=two": ["--unlearner.k: expected a whole number, got two"],
    "run --budgets 10": ["(0, 1], got 10", "10 % is 0.1"],
    "run --budgets a": ["--budgets: expected a number, got a"],
    "run --seeds -1": ["--seeds", "got -1"],
    "run --workers 0": ["--workers must be at least 1, got 0"],
    "run --max-train-steps 0": ["--max_train_steps must be at least 1, got 0"],
    "run --unlearners []": ["--unlearners must name at least one"],
    "run --seeds []": ["--seeds must name at least one"],
    "run --sede 1": ["unrecognized arguments: --sede", "did you mean 'seeds'"],
    "run --config nofile.yaml": ["--config", "does not exist"],
    "run --suite smoke --store /proc/x": ["store '/proc/x' cannot be used", "--store"],
    "run --suite smoke --output /proc/x": ["output '/proc/x' cannot be used", "--output"],
    "runn": ["invalid choice: 'runn'", "did you mean 'run'"],
    "check": ["required", "unlearner"],
    "check --unlearner=scrubb": ["did you mean 'scrub'"],
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_in_one_line_with_exit_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith("benchmark: error: ")
    assert told.count("\n") == 1
    for part in MISTAKES[line]:
        assert part.lower() in told.lower()


def test_nothing_is_left_behind_by_a_mistake(tmp_path: Path) -> None:
    main(["run", "--suite", "smoke", "--unlearners", "scrubb"])
    assert list(tmp_path.iterdir()) == []


def test_no_arguments_print_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "list" in capsys.readouterr().out


def test_list_names_scenarios_and_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for word in ("digits-gaussian-cnn-v1", "cifar10-gaussian-cnn-v1", "neggradplus", "smoke", "mini", "paper"):
        assert word in shown


def test_list_of_a_suite_shows_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--suite=smoke"]) == 0
    assert "cifar10" not in capsys.readouterr().out


def test_print_config_shows_the_settings_of_a_method(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", "--unlearner=Scrub", "--unlearner.alpha=0.2", "--print_config"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert "alpha: 0.2" in shown
    assert "gamma: 0.99" in shown


def test_a_config_file_is_read_and_its_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("suite: smoke\nbudgets: [2.0]\n")
    assert main(["run", "--config", str(file)]) == 2
    assert "got 2;" in capsys.readouterr().err
    file.write_text("suites: smoke\n")
    assert main(["run", "--config", str(file)]) == 2
    assert "suites" in capsys.readouterr().err


def test_a_method_outside_the_tree_is_not_taken_from_a_file_of_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text("unlearner:\n  class_path: mine.py:Mine\n")
    assert main(["run", "--config", "run.yaml"]) == 2
    assert "--unlearner=path/to/file.py:Class" in capsys.readouterr().err


def test_settings_of_a_method_outside_the_tree_are_read_against_its_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PLUGIN.format(name="Mine") + "    card = replace(GD.card, name='mine')\n"
    (tmp_path / "mine.py").write_text(
        text.replace("from lightning", "from dataclasses import replace\n\nfrom lightning", 1)
    )
    told = {
        "--unlearner.lrr=1": "did you mean 'lr'",
        "--unlearner.lr=abc": "--unlearner.lr: expected a number, got abc",
        "--unlearner.lr=-1": "lr must be positive, got -1",
    }
    for word, line in told.items():
        assert main(["run", "--suite", "smoke", "--unlearner", "mine.py:Mine", word]) == 2
        assert line in capsys.readouterr().err


def test_a_method_outside_the_tree_is_found_and_its_faults_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(name="Mine"))
    assert main(["run", "--suite", "smoke", "--unlearners", "mine.py:Mime", "--store", "s"]) == 2
    assert "did you mean 'Mine'" in capsys.readouterr().err
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    assert main(["run", "--suite", "smoke", "--unlearners", "broken.py:X"]) == 2
    assert "ModuleNotFoundError" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gd", "sham"])
def test_a_method_may_not_take_the_name_of_another_row(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PLUGIN.format(name="Mine") + f"    card = replace(GD.card, name={name!r})\n"
    text = text.replace("from lightning", "from dataclasses import replace\n\nfrom lightning", 1)
    (tmp_path / "mine.py").write_text(text)
    assert main(["run", "--suite", "smoke", "--unlearners", "mine.py:Mine"]) == 2
    assert f"called {name!r} in its card, as another row is; rename it" in capsys.readouterr().err


def test_a_broken_entry_in_the_output_is_told_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "out" / "entries" / "digits-gaussian-cnn-v1"
    place.mkdir(parents=True)
    (place / "gd.json").write_text("{")
    assert main(["run", "--suite", "smoke", "--output", "out", "--store", "store"]) == 2
    assert "gd.json" in capsys.readouterr().err
    assert not list((tmp_path / "store").glob("*/*/manifest.json"))
