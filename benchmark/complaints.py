"""Turns what a parser says about a mistake into one line that helps."""

import difflib
import re
from collections.abc import Iterable

_WORDS = {
    "Expected a ": "expected ",
    "expected int": "expected a whole number",
    "expected float": "expected a number",
    ". Got value: ": ", got ",
}


def explain(message: str, known: Iterable[str]) -> str:
    """Return one line that names the option, the value and what is allowed, with a suggestion.

    Args:
        message: what jsonargparse said.
        known: option names that exist, to suggest the nearest.
    """
    text = " ".join(message.split())
    key = re.match(r'Parser key "(?P<key>[^"]+)": ', text)
    if key is None:
        return _with_suggestion(text, known)
    option = key["key"]
    cause = text[key.end() :]
    union = re.search(r"Errors: - (?P<cause>.*?)(?: - |$)", cause)
    if union is not None:
        cause = union["cause"]
    inner = re.match(r'Parser key "(?P<key>[^"]+)": ', cause)
    if inner is not None:
        option, cause = f"{option}.{inner['key']}", cause[inner.end() :]
    cause = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", cause).replace("Expected a typing.Literal", "expected one of ")
    cause = re.sub(r" Given value type: .*$", "", cause)
    for said, better in _WORDS.items():
        cause = cause.replace(said, better)
    return _with_suggestion(f"--{option}: {cause}", known)


def _with_suggestion(text: str, known: Iterable[str]) -> str:
    wrong = re.search(r"unrecognized arguments: --(?P<name>[\w.-]+)", text)
    wrong = wrong or re.search(r"Option '(?P<name>[\w.]+)' is not accepted", text)
    wrong = wrong or re.search(r"invalid choice: '(?P<name>[\w.]+)'", text)
    if wrong is None:
        return text
    near = difflib.get_close_matches(wrong["name"], list(known), n=1, cutoff=0.5)
    return f"{text}; did you mean {near[0]!r}?" if near and near[0] != wrong["name"] else text
