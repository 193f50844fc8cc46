"""Content addresses: a hash of everything that determines an artifact."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any


def plain(value: object) -> Any:
    """Return ``value`` as JSON data: dataclasses and mappings become objects, tuples become lists.

    Raises:
        TypeError: if a part is no JSON data.
        ValueError: if a number is not finite.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a configuration holds finite numbers only, got {value}")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a configuration holds plain data only, got {type(value).__name__}: {value!r}")


def canonical(value: object) -> str:
    """Return ``value`` as JSON text that is equal for equal content."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def address_of(value: object) -> str:
    """Return the SHA-256 (hex) of the canonical text of ``value``."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
