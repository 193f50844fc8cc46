"""Content addresses: a hash of everything that determines an artifact."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

LATER = {"later": True}
"""Metadata of a dataclass field that came after results had been published.

Such a field is left out where it has its default, so that what was addressed before it came keeps its address.
"""


def plain(value: object) -> Any:
    """Return ``value`` as JSON data: dataclasses and mappings become objects, tuples become lists.

    Raises:
        TypeError: if a part is no JSON data.
        ValueError: if a number is not finite.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value) if _told(value, field)
        }
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a configuration holds finite numbers only, got {value}")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a configuration holds plain data only, got {type(value).__name__}: {value!r}")


def _told(value: object, field: "dataclasses.Field[Any]") -> bool:
    if not field.metadata.get("later"):
        return True
    missing = dataclasses.MISSING
    default = field.default if field.default_factory is missing else field.default_factory()
    return bool(getattr(value, field.name) != default)


def canonical(value: object) -> str:
    """Return ``value`` as JSON text that is equal for equal content."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def address_of(value: object) -> str:
    """Return the SHA-256 (hex) of the canonical text of ``value``."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
