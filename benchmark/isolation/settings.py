"""Settings of a submission as they are typed, read against its defaults: nothing here knows its annotations."""

import json
import math
from collections.abc import Mapping

from benchmark.isolation.submission import Setting, Submission
from datamodules import UnknownNameError

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def read_settings(submission: Submission, words: Mapping[str, str]) -> dict[str, Setting]:
    """Return typed words as settings.

    Args:
        submission: whose.
        words: text by name.

    Raises:
        ValueError: if a name or a value does not fit.
    """
    settings = {name: _read(word, submission.defaults.get(name)) for name, word in words.items()}
    check_settings(submission, settings)
    return settings


def check_settings(submission: Submission, settings: Mapping[str, Setting]) -> None:
    """Check that a submission has arguments of these names and, where its default tells, of these types.

    Raises:
        ValueError: if it has not.
    """
    for name, value in settings.items():
        if name not in submission.defaults:
            raise UnknownNameError(f"setting of {submission.class_name}", name, submission.defaults)
        default = submission.defaults[name]
        wanted = (int, float) if isinstance(default, float) else type(default)
        fits = isinstance(value, wanted) and isinstance(value, bool) == isinstance(default, bool)
        if not (fits or value is None or default is None):
            raise ValueError(f"--unlearner.{name}: expected {_KINDS[type(default)]}, got {value}")


def _read(word: str, default: Setting) -> Setting:
    if isinstance(default, str) and word != "null":
        return word
    try:
        value = json.loads(word.lower() if word.lower() in {"true", "false", "null"} else word)
    except ValueError:
        value = _number(word)
    if isinstance(value, float) and not math.isfinite(value):
        return word
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, str | int | float | bool | None) else word


def _number(word: str) -> Setting:
    """Return what JSON does not take for a number, such as ``.5``, or the word itself."""
    try:
        return float(word)
    except ValueError:
        return word
