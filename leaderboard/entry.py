"""Leaderboard entries: one JSON file per scenario and method, checked when made, read or written."""

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, ValidationError, model_validator

from leaderboard.complaints import first_complaint
from leaderboard.records import (
    BudgetResult,
    Cost,
    Effect,
    MethodCard,
    ModelScore,
    Name,
    Protection,
    Provenance,
    Record,
    SeedResult,
    Source,
    Tuning,
    Verification,
)

__all__ = [
    "BudgetResult",
    "Cost",
    "Effect",
    "Entry",
    "EntryError",
    "MethodCard",
    "ModelScore",
    "Protection",
    "Provenance",
    "SeedResult",
    "Source",
    "Tuning",
    "Verification",
    "entry_path",
    "read_entries",
    "read_entry",
    "write_entry",
]


class EntryError(ValueError):
    """A file that is no valid entry. The message is one line: file, field, value, what is allowed."""


def _scalar(value: object) -> object:
    number = isinstance(value, int | float) and math.isfinite(value)
    if not (number or value is None or isinstance(value, str)):
        raise ValueError(f"must be a string, a finite number, true, false or null, got {value!r}")
    return value


Setting = Annotated[str | int | float | bool | None, BeforeValidator(_scalar)]


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be 1, got {value!r}")  # noqa: TRY004 - pydantic takes a ValueError for a complaint
    return value


def _finite(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must hold finite numbers only, got {value}")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _finite(part)
    return value


class Entry(Record):
    """What one method scored in one scenario.

    Attributes:
        schema_version: version of this layout.
        scenario: versioned name of the scenario.
        suite: the suite it belongs to.
        modality: what the corpus holds.
        attack: name of the poison.
        corpus: name of the corpus.
        network: name of the network.
        method: who was run.
        hyperparameters: the method's settings.
        configuration: the scenario, resolved.
        effect: the poison's primary effect.
        results: one per budget, ascending, each once.
        status: ``claimed`` by whoever ran it, ``verified`` by a second run, ``unreliable`` where that run
            disagreed or the ledger does not explain the time that the method took, ``diverged`` exactly where some
            unlearned model has no effect.
        provenance: where the numbers come from.
        source: the method's file, where it is not part of this repository.
        protection: what kept the method from more than it was given.
        tuning: how its settings were chosen; None for defaults and for settings given by hand.
        verification: what a second run said; None before there was one.
    """

    schema_version: Annotated[Literal[1], BeforeValidator(_number)]
    scenario: Name
    suite: str
    modality: Literal["image", "text"]
    attack: str
    corpus: str
    network: str
    method: MethodCard
    hyperparameters: dict[str, Setting]
    configuration: Annotated[dict[str, JsonValue], AfterValidator(_finite)]
    effect: Effect
    results: Annotated[list[BudgetResult], Field(min_length=1)]
    status: Literal["claimed", "verified", "unreliable", "diverged"]
    provenance: Provenance
    source: Source | None = None
    protection: Protection = Protection(kind="shipped")
    tuning: Tuning | None = None
    verification: Verification | None = None

    @model_validator(mode="after")
    def _budgets_ascend(self) -> Self:
        budgets = [result.budget for result in self.results]
        if budgets != sorted(set(budgets)):
            raise ValueError(f"budgets must ascend and be unique, got {budgets}")
        return self

    @model_validator(mode="after")
    def _status_fits(self) -> Self:
        diverged = any(seed.unlearned.effect is None for result in self.results for seed in result.seeds)
        if diverged != (self.status == "diverged"):
            allowed = "diverged" if diverged else "claimed, verified or unreliable"
            raise ValueError(
                f"status must be {allowed} where {'some' if diverged else 'no'} unlearned effect is None, "
                f"got {self.status}"
            )
        return self

    @model_validator(mode="after")
    def _effects_are_possible(self) -> Self:
        for result in self.results:
            for seed in result.seeds:
                for name in ("unlearned", "poisoned", "retrain", "second_retrain"):
                    value = getattr(seed, name).effect
                    if value is not None and not self.effect.allows(value):
                        raise ValueError(
                            f"{name}.effect of seed {seed.seed} must lie within "
                            f"[{self.effect.lower_bound}, {self.effect.upper_bound}], got {value}"
                        )
        return self


def read_entry(path: str | os.PathLike[str]) -> Entry:
    """Read and check one entry.

    Raises:
        EntryError: if the file cannot be read or is no valid entry.
    """
    try:
        content = Path(path).read_bytes()
        entry = Entry.model_validate_json(content)
        json.loads(content, object_pairs_hook=_once)
    except _RepeatedKeyError as error:
        raise EntryError(f"{path}: {error}") from None
    except OSError as error:
        raise EntryError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise EntryError(f"{path}: {first_complaint(error, Entry)}") from error
    return entry


class _RepeatedKeyError(Exception):
    pass


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    for key, _ in pairs if len(found) < len(pairs) else ():
        if sum(key == other for other, _ in pairs) > 1:
            raise _RepeatedKeyError(f"key {key!r} stands twice in one object, once is allowed")
    return found


def write_entry(entry: Entry, folder: str | os.PathLike[str]) -> Path:
    """Write ``entry`` to ``folder/<scenario>/<method>.json``, whole or not at all, and return that path.

    Equal entries give equal bytes: keys are sorted. The text is checked before it is written, because the
    lists and mappings inside a frozen entry could have been changed.

    Raises:
        ValidationError: if ``entry`` was changed into something that is no valid entry.
    """
    content = entry.model_dump(mode="json")
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    Entry.model_validate_json(text)
    path = entry_path(entry, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def entry_path(entry: Entry, folder: str | os.PathLike[str]) -> Path:
    """Return where ``entry`` lives under ``folder``."""
    return Path(folder) / entry.scenario / f"{entry.method.name}.json"


def read_entries(folder: str | os.PathLike[str]) -> list[Entry]:
    """Read every entry under ``folder``, sorted by scenario and method.

    Raises:
        EntryError: if ``folder`` is no folder, or a JSON file in it is no valid entry or lies at the place of
            another one.
    """
    if not Path(folder).is_dir():
        raise EntryError(f"{folder}: must be a folder of entries, and is {_kind(Path(folder))}")
    entries = []
    for path in sorted(Path(folder).rglob("*.json")):
        entry = read_entry(path)
        if path != entry_path(entry, folder):
            raise EntryError(f"{path}: must lie at {entry_path(entry, folder)}, where its scenario and method put it")
        entries.append(entry)
    return sorted(entries, key=lambda entry: (entry.scenario, entry.method.name))


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "missing"
