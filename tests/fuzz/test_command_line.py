"""Malformed command lines and configuration files: each is refused in one line, and nothing is run."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from benchmark import cli
from benchmark.scenarios import SUITES

RUNS = ("run", "tune", "run_checks", "check_apart", "craft_poison", "load_poison")
"""Whatever the command line starts once it has taken its input for valid."""

LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
TEXT = st.text(LETTERS, max_size=8)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=10).filter(lambda word: word[0] != "-")
ODD = ["[", "{", "[]", "{}", "1 2", "0x", "--1"]
NO_NUMBER = st.one_of(WORDS.map(lambda word: f"q{word}"), st.sampled_from(ODD))
NO_FRACTION = st.one_of(
    st.floats(max_value=0), st.floats(min_value=1, exclude_min=True), st.sampled_from([math.nan, math.inf])
)
NO_COUNT = st.one_of(st.integers(max_value=0), st.floats(0.1, 0.9), st.sampled_from([1.5, 1e300, math.nan]))
NO_SEED = st.one_of(st.integers(max_value=-1), st.floats(0.1, 0.9), st.sampled_from([True, None, 1.5, [0], {}]))


@pytest.fixture
def refused(told: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[list[str]], str]:
    """Calls the command line, which must refuse, start nothing and leave nothing behind."""

    def accepted(*arguments: object, **_: object) -> None:
        raise AssertionError(f"accepted: {arguments}")

    for name in RUNS:
        monkeypatch.setattr(cli, name, accepted)
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)

    def check(arguments: list[str]) -> str:
        line = told(cli.main, arguments)
        assert list(place.iterdir()) == []
        return line

    return check


@pytest.fixture
def refused_file(tmp_path: Path, refused: Callable[[list[str]], str]) -> Callable[..., str]:
    """The same for a configuration file."""

    def check(content: bytes | str, command: str = "run") -> str:
        file = tmp_path / "config.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return refused([command, "--config", str(file)])

    return check


BAD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "suite": TEXT.filter(lambda text: text.strip() not in SUITES),
    "scenarios": WORDS.map(lambda word: f"q{word}"),
    "unlearners": WORDS.map(lambda word: f"q{word}"),
    "unlearner": WORDS.map(lambda word: f"q{word}"),
    "budgets": st.one_of(NO_FRACTION, NO_NUMBER),
    "seeds": st.one_of(st.integers(max_value=-1), st.floats(0.1, 0.9), NO_NUMBER),
    "workers": st.one_of(NO_COUNT, NO_NUMBER),
    "max-train-steps": st.one_of(NO_COUNT, NO_NUMBER),
    "settings": WORDS.map(lambda word: f"q{word}"),
}


@pytest.mark.parametrize("option", BAD_VALUES)
def test_a_bad_value_is_told_with_its_option(option: str, refused: Callable[[list[str]], str], fuzz: Any) -> None:
    def check(value: object) -> None:
        line = refused(["run", f"--{option}={value}"])
        assert option.removesuffix("s").replace("-", "_") in line.replace("-", "_")

    fuzz(BAD_VALUES[option], check, cases=12)


def test_an_unknown_option_is_told(refused: Callable[[list[str]], str], fuzz: Any) -> None:
    commands = st.sampled_from(["list", "run", "check", "craft", "tune", "store"])

    def check(case: tuple[str, str]) -> None:
        command, word = case
        refused([command, f"--q{word}", "1"])

    fuzz(st.tuples(commands, WORDS), check, cases=30)


def test_an_unknown_command_is_told(refused: Callable[[list[str]], str], fuzz: Any) -> None:
    fuzz(WORDS.map(lambda word: f"q{word}"), lambda word: refused([word]), cases=20)


def test_an_abbreviation_is_no_option(refused: Callable[[list[str]], str]) -> None:
    for line in ("run --sui smoke", "run --seed 0", "craft --scen digits-gaussian-cnn-v1", "store du --sto x"):
        refused(line.split())


@pytest.mark.parametrize(
    "option", ["suite", "scenarios", "unlearner", "budgets", "seeds", "workers", "store", "output"]
)
def test_an_option_without_value_is_told(option: str, refused: Callable[[list[str]], str]) -> None:
    name = option.rstrip("s").replace("-", "_")
    for line in (["run", f"--{option}"], ["run", f"--{option}="], ["run", f"--{option}", ""]):
        assert name in refused(line)


BAD_SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "lr": st.one_of(st.floats(max_value=0), st.sampled_from([math.nan, math.inf, "fast", "[]", "true"])),
    "max_epochs": st.one_of(NO_COUNT, NO_NUMBER),
    "lr_schedule": WORDS.map(lambda word: f"q{word}"),
    "momentum": st.one_of(st.floats(max_value=-0.01), NO_NUMBER),
}


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_a_bad_setting_of_a_method_is_told(setting: str, refused: Callable[[list[str]], str], fuzz: Any) -> None:
    def check(value: object) -> None:
        assert setting in refused(["run", "--unlearner=gd", f"--unlearner.{setting}={value}"])

    fuzz(BAD_SETTINGS[setting], check, cases=10)


KEYS = ("suite", "scenarios", "unlearners", "budgets", "seeds", "workers", "max_train_steps", "settings", "store")
ALIEN: dict[str, st.SearchStrategy[Any]] = {
    "suite": st.sampled_from([1, 1.5, True, [], {}, ["smoke"], {"a": 1}]),
    "scenarios": st.sampled_from([1, True, [], {}, [1], [[]], [None], "smoke", ["qq"]]),
    "unlearners": st.sampled_from([1, True, [], {}, [1], [[]], [None], ["qq"]]),
    "budgets": st.one_of(
        NO_FRACTION.map(lambda x: [x]), st.sampled_from([True, [], {}, ["a"], [[0.1]], [None], [True]])
    ),
    "seeds": st.one_of(NO_SEED.map(lambda x: [x]), st.sampled_from([True, [], {}, ["a"], [[0]], "ab"])),
    "workers": st.one_of(NO_COUNT, st.sampled_from([True, [], {}, "two", [1]])),
    "max_train_steps": st.one_of(NO_COUNT, st.sampled_from([True, [], {}, "two", [1]])),
    "settings": st.sampled_from([1, True, [], {}, "best", ["tuned"]]),
    "store": st.sampled_from([1, True, [], {}, 1.5]),
}


@pytest.mark.parametrize("key", ALIEN)
def test_a_bad_value_in_a_file_is_told_with_its_key(key: str, refused_file: Callable[..., str], fuzz: Any) -> None:
    def check(value: object) -> None:
        text = json.dumps({key: value}).replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf")
        assert key.removesuffix("s") in refused_file(text)

    fuzz(ALIEN[key], check, cases=5)


def test_an_unknown_key_in_a_file_is_told(refused_file: Callable[..., str], fuzz: Any) -> None:
    fuzz(WORDS, lambda word: refused_file(json.dumps({"suite": "smoke", f"q{word}": 1})), cases=30)


def test_a_method_that_is_none_in_a_file_is_told(refused_file: Callable[..., str], fuzz: Any) -> None:
    path = "lightning_modules.unlearners.gd.GD"
    bad: list[Any] = [
        1,
        [],
        {},
        {"class_path": 1},
        {"class_path": "os.system"},
        {"class_path": "os.system", "init_args": {"command": "true"}},
        {"class_path": "pathlib.Path"},
        {"class_path": path, "init_args": []},
        {"class_path": path, "init_args": {"lr": "fast"}},
        {"class_path": path, "init_args": {"lr": -1}},
        {"class_path": path, "init_args": {"lr": None}},
        {"class_path": path, "init_args": {"rate": 1}},
        {"class_path": path, "lr": 1},
    ]
    fuzz(st.sampled_from(bad), lambda value: refused_file(json.dumps({"unlearner": value})), cases=len(bad))


NO_FILE = {
    "a list": "[smoke]",
    "a word": "smoke",
    "a number": "3",
    "an open bracket": "budgets: [0.1",
    "a tab": "suite:\n\tsmoke",
    "two documents": "suite: smoke\n---\nsuite: mini\n",
    "a tag that runs code": "!!python/object/apply:os.system ['touch ran']",
    "a tag in a value": "suite: !!python/object/apply:os.system ['touch ran']",
    "an unknown tag": "suite: !secret smoke",
    "a missing anchor": "suite: *nothing",
    "a key twice": "suite: smoke\nsuite: mini\n",
    "a setting twice": "unlearner: {class_path: GD, init_args: {lr: 0.1, lr: 0.2}}\n",
    "a list as key": "? [a, b]\n: 1\n",
    "a number as key": "1: 2\n",
    "a null as key": "null: 2\n",
    "deep lists": "seeds: " + "[" * 5000,
    "deep objects": "{a: " * 5000,
    "lists that double": "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(64)),
    "a large file": "# " + "x" * 2**20,
    "zeros": b"\0" * 64,
    "no text": b"suite: \xff\xfe",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


@pytest.mark.parametrize("case", NO_FILE)
def test_a_file_that_is_no_configuration_is_told(case: str, refused_file: Callable[..., str]) -> None:
    refused_file(NO_FILE[case])


def test_random_bytes_are_no_configuration(refused_file: Callable[..., str], fuzz: Any) -> None:
    fuzz(st.binary(min_size=1, max_size=30).map(lambda junk: b"suite: [" + junk), refused_file, cases=40)


def test_a_folder_is_no_configuration(tmp_path: Path, refused: Callable[[list[str]], str]) -> None:
    assert "--config" in refused(["run", "--config", str(tmp_path)])


def test_names_of_files_that_cannot_be_are_told(refused: Callable[[list[str]], str]) -> None:
    for name in ("\0", "a\0b", "x" * 300, ""):
        for line in (["store", "ls", f"--store={name}"], ["store", "lineage", name], ["run", f"--config={name}"]):
            refused(line)
