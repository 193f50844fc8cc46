"""The files of submitted methods: they lie beside the entries that name them."""

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark.methods import Method
from leaderboard import Entry


def submissions_of(entries: Path) -> Path:
    """Return the folder of submitted files that belongs to a folder of entries."""
    return entries.absolute().parent / "submissions"


def keep_sources(methods: Sequence[Method], written: Iterable[Entry], entries: Path) -> None:
    """Copy the file of each submitted method to where its entries, once written, say that it lies.

    Args:
        methods: what was run.
        written: entries of them, and perhaps others.
        entries: folder of those entries.
    """
    for entry in written:
        for method in methods:
            if method.name == entry.method.name and method.submission is not None and entry.source is not None:
                place(method.submission.content, submissions_of(entries) / entry.source.file)


def source_fault(entry: Entry, entries: Path) -> str | None:
    """Return what is wrong with the file that an entry names, or None; a shipped method has no such file."""
    if entry.source is None:
        return None
    path = submissions_of(entries) / entry.source.file
    if not path.is_file():
        return f"the file of the method, {path}, is missing"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != entry.source.sha256:
        return f"{path} is not the file that was run: its SHA-256 is {found}, the entry says {entry.source.sha256}"
    return None


def place(content: bytes, path: Path) -> None:
    """Write a file, whole or not at all; what lay there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
