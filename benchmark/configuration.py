"""What a parser of YAML lets pass in silence, and a file of settings must not hold."""

from collections.abc import Sequence
from pathlib import Path

import yaml  # type: ignore[import-untyped]

DEEPEST = 50
LARGEST = 2**20
"""Bytes."""


def check_configurations(arguments: Sequence[str]) -> None:
    """Check the files that a command line names with ``--config``; one that is missing is left to the parser.

    Raises:
        ValueError: if one is no text, names a key twice (only the last would count), has aliases (which can make little
            text large), or is too large or deep.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name = argument if before == "--config" else argument.removeprefix("--config=")
        if name != argument or before == "--config":
            try:
                _check(Path(name))
            except OSError:
                continue
            except ValueError as error:
                raise ValueError(f"--config {name}: {error}") from error


def _check(path: Path) -> None:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"must be a file of at most {LARGEST} bytes, has {path.stat().st_size}")
    try:
        _check_events(path.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        return  # the parser tells


def _check_events(text: str) -> None:
    keys: list[set[str] | None] = []
    """For each open mapping the keys so far, for each open list None."""
    is_key: list[bool] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            place = f"*{event.anchor} in line {event.start_mark.line + 1}"
            raise ValueError(f"aliases are not allowed, got {place}")  # noqa: TRY004 - the user's mistake, not ours
        if isinstance(event, yaml.CollectionEndEvent):
            keys.pop()
            is_key.pop()
        if isinstance(event, yaml.ScalarEvent) and keys and (known := keys[-1]) is not None and is_key[-1]:
            if event.value in known:
                raise ValueError(f"key {event.value!r} stands twice, in line {event.start_mark.line + 1} again")
            known.add(event.value)
        if keys and isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            is_key[-1] = not is_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            if len(keys) == DEEPEST:
                raise ValueError(
                    f"must not be nested deeper than {DEEPEST} levels, line {event.start_mark.line + 1} is"
                )
            keys.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            is_key.append(True)
