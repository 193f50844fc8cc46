"""What lies in a store, read without changing it: manifests only, no link is followed."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.graph import STAGES
from benchmark.store import MANIFEST, STORE_SCHEMA, StoreError, check_schema

MANIFEST_LIMIT = 64 * 2**20
"""Bytes; a manifest is a few thousand."""

UNFINISHED = (".partial", ".workbench")
"""What the folders of unfinished work end in."""


@dataclass(frozen=True)
class Item:
    """An artifact, as its manifest tells.

    Attributes:
        stage: name of the stage that made it.
        address: hash of everything that determines it.
        folder: where it lies.
        description: what was hashed into the address; empty where the manifest cannot be read.
        meta: small facts; empty where the manifest cannot be read.
        files: SHA-256 (hex) and bytes of each file, by name.
        bytes: what all files in the folder take now.
        written: when, in seconds since 1970.
        fault: what is wrong with the manifest, or None.
    """

    stage: str
    address: str
    folder: Path
    bytes: int
    written: float
    description: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    fault: str | None = None


class Shelf:
    """The artifacts of a store, sorted by stage and age.

    Args:
        root: the store's folder.

    Raises:
        StoreError: if there is no store, or one of another version.
    """

    def __init__(self, root: Path) -> None:
        try:
            check_schema(root)
        except OSError as error:
            raise StoreError(f"store {str(root)!r} is no store: {error.strerror}; name one with --store") from error
        self.root = root

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every artifact, damaged ones too; stages in the order of the pipeline, the oldest first."""
        found = [read_item(stage, folder) for stage in STAGES for folder in self._folders(stage) if not _open(folder)]
        return tuple(sorted(found, key=lambda item: (STAGES.index(item.stage), item.written, item.address)))

    @cached_property
    def unfinished(self) -> tuple[Path, ...]:
        """Folders of work that was not finished, or is going on."""
        return tuple(folder for stage in STAGES for folder in self._folders(stage) if _open(folder))

    def get(self, address: str) -> Item | None:
        """Return the artifact of an address, or None."""
        return self._by_address.get(address)

    @cached_property
    def _by_address(self) -> Mapping[str, Item]:
        return {item.address: item for item in self.items}

    def _folders(self, stage: str) -> Iterator[Path]:
        place = self.root / stage
        if place.is_dir() and not place.is_symlink():
            with os.scandir(place) as entries:
                yield from sorted(Path(entry.path) for entry in entries)


def read_item(stage: str, folder: Path) -> Item:
    """Return the artifact in a folder; whatever is wrong with its manifest is told in ``fault``."""
    address, written = folder.name, folder.lstat().st_mtime
    size = sum(facts.st_size for facts in _facts(folder))
    try:
        manifest = _manifest_of(folder)
        files = {str(name): (str(facts["sha256"]), int(facts["bytes"])) for name, facts in manifest["files"].items()}
        description, meta = dict(manifest["description"]), dict(manifest["meta"])
        _check_place(manifest, stage, address)
    except _FaultError as error:
        return Item(stage, address, folder, size, written, fault=str(error))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Item(stage, address, folder, size, written, fault=f"{MANIFEST} lacks what a manifest holds")
    return Item(stage, address, folder, size, written, description, meta, files)


class _FaultError(Exception):
    """A manifest that cannot be used; the message says why."""


def _manifest_of(folder: Path) -> Any:
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise _FaultError("is no folder")
    try:
        text = _text_of(folder / MANIFEST)
    except FileNotFoundError:
        raise _FaultError(f"{MANIFEST} is missing") from None
    except (OSError, ValueError):
        raise _FaultError(f"{MANIFEST} cannot be read") from None
    digest, _, body = text.partition("\n")
    if hashlib.sha256(body.removesuffix("\n").encode()).hexdigest() != digest:
        raise _FaultError(f"{MANIFEST} has another SHA-256 than it says")
    return json.loads(body)


def _check_place(manifest: Any, stage: str, address: str) -> None:
    if manifest["schema"] != STORE_SCHEMA:
        raise _FaultError(f"schema is {manifest['schema']!r}, this version writes {STORE_SCHEMA}")
    if (manifest["stage"], manifest["address"]) != (stage, address):
        raise _FaultError(f"{MANIFEST} belongs to another artifact")


def _text_of(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no file")
        data = file.read(MANIFEST_LIMIT + 1)
    if len(data) > MANIFEST_LIMIT:
        raise ValueError("too large")
    return data.decode()


def _facts(folder: Path) -> Iterator[os.stat_result]:
    if folder.is_symlink() or not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.stat(follow_symlinks=False)


def _open(folder: Path) -> bool:
    return folder.name.endswith(UNFINISHED)
