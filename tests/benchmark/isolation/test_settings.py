"""Settings of a submission, as they are typed."""

import pytest

from benchmark.choices import take_submission
from benchmark.isolation import Submission
from benchmark.isolation.settings import check_settings, read_settings
from lightning_modules import MethodCard

DEFAULTS = {"lr": 0.1, "steps": 3, "mode": "a", "flag": False, "free": None}
MINE = Submission(
    "/x/mine.py:Mine", "mine.py", "Mine", "0" * 64, "s", MethodCard("m", "M", "p", "f", "s"), DEFAULTS, ("image",), b""
)


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("lr", "0.2", 0.2),
        ("lr", "1", 1.0),
        ("lr", ".5", 0.5),
        ("lr", "1e-3", 0.001),
        ("steps", "7", 7),
        ("mode", "7", "7"),
        ("flag", "True", True),
        ("free", "2", 2),
        ("free", "word", "word"),
        ("steps", "null", None),
    ],
)
def test_a_word_becomes_what_the_default_is(name, word, value) -> None:
    found = read_settings(MINE, {name: word})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "word", "told"),
    [
        ("steps", "1.5", "--unlearner.steps: expected a whole number, got 1.5"),
        ("lr", "abc", "--unlearner.lr: expected a number, got abc"),
        ("lr", "true", "--unlearner.lr: expected a number, got True"),
        ("flag", "1", "--unlearner.flag: expected true or false, got 1"),
        ("lr", "[1]", r"--unlearner.lr: expected a number, got \[1\]"),
        ("lr", "nan", "--unlearner.lr: expected a number, got nan"),
        ("lr", "Infinity", "--unlearner.lr: expected a number"),
        ("stepps", "1", "did you mean 'steps'"),
    ],
)
def test_a_word_that_does_not_fit_is_told(name, word, told) -> None:
    with pytest.raises(ValueError, match=told):
        read_settings(MINE, {name: word})


def test_settings_given_as_values_are_checked_too() -> None:
    check_settings(MINE, {"lr": 1, "free": 0.5})
    with pytest.raises(ValueError, match="expected a word"):
        check_settings(MINE, {"mode": 1})


def test_a_submission_is_taken_out_of_a_command_line() -> None:
    words = [
        "run",
        "--suite",
        "smoke",
        "--unlearner=a/b.py:X",
        "--unlearner.lr",
        "0.1",
        "--unlearner.init_args.k=2",
        "--seeds",
        "[0]",
    ]
    rest, typed = take_submission(words)
    assert rest == ["run", "--suite", "smoke", "--seeds", "[0]"]
    assert typed is not None
    assert (typed.reference, dict(typed.words)) == ("a/b.py:X", {"lr": "0.1", "k": "2"})
    _, typed = take_submission(["check", "--unlearner", "b.py"])
    assert typed is not None
    assert typed.reference == "b.py"


def test_a_shipped_method_is_left_to_the_parser() -> None:
    words = ["run", "--unlearner", "Scrub", "--unlearner.alpha=0.2"]
    assert take_submission(words) == (words, None)
