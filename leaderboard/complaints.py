"""Turn a validation error into one line that a user can act on."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest of the ``known`` words, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def first_complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """Describe one fault in ``error``, unknown keys first: field, value, what is allowed. Others are counted.

    Args:
        error: what validating ``model`` raised.
        model: its fields are proposed for unknown top-level keys.
    """
    faults = error.errors(include_url=False)
    fault = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")  # a misspelt key is also a missing one
    field = ".".join(str(part) for part in fault["loc"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return _describe(fault["type"], field, fault, model) + more


def _describe(kind: str, field: str, fault: Any, model: type[BaseModel]) -> str:
    message = " ".join(str(fault["msg"]).removeprefix("Value error, ").split())
    message = message.replace("Input should", "must").replace("String should", "must")
    if kind == "json_invalid":
        return f"not JSON: {message.removeprefix('Invalid JSON: ')}"
    if kind == "missing":
        return f"field {field} is missing"
    if kind == "extra_forbidden":
        hint = did_you_mean(field, model.model_fields) if len(fault["loc"]) == 1 else ""
        return f"field {field} is unknown{hint}"
    if kind == "value_error":
        return f"{field}: {message}" if field else message
    return f"field {field} is {_short(fault['input'])}: {message}"


def _short(value: object, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."
