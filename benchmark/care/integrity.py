"""Whether an artifact holds what its manifest says: every file is hashed, none is interpreted."""

import hashlib
import os
import stat
from pathlib import Path

from benchmark.care.shelf import Item


def damage_of(item: Item) -> str | None:
    """Return what is wrong with an artifact, in words, or None; reads every byte, follows no link."""
    if item.fault is not None:
        return item.fault
    for name, (digest, size) in item.files.items():
        if Path(name).name != name:
            return f"file {name!r} lies outside the artifact"
        fault = _fault(item.folder / name, digest, size)
        if fault is not None:
            return f"{name} {fault}"
    return None


def _fault(path: Path, digest: str, size: int) -> str | None:
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            return "is a link" if stat.S_ISLNK(facts.st_mode) else "is no file"
        if facts.st_size != size:
            return f"has {facts.st_size} bytes instead of {size}"
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            return None if hashlib.file_digest(file, "sha256").hexdigest() == digest else "has other content"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
