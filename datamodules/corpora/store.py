"""The user's cache: files and folders whose SHA-256 a manifest keeps and every load checks."""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from datamodules.corpora.sources import file_sha256

_log = logging.getLogger(__name__)

_MANIFEST = "manifest.json"  # of a folder
_SCRATCH = ".fetching-"  # prefix of the folders that downloads go to; gone once the corpus is stored


class Stored(NamedTuple):
    """A verified file of the cache, and where its content came from."""

    path: Path
    source: str


class _DamagedError(Exception):
    """The file is not what its manifest says."""


def cache_root(cache: Path | None = None) -> Path:
    """`cache` if given, else ``$UNPOISON_CACHE``, else ``~/.cache/unpoison``."""
    return Path(cache or os.environ.get("UNPOISON_CACHE") or "~/.cache/unpoison").expanduser()


def ensure_stored(folder: Path, name: str, build: Callable[[Path], tuple[Mapping[str, Tensor], str]]) -> Stored:
    """Return the verified file ``folder/name.safetensors``, building it first if it is absent or damaged.

    Of several processes that ask at once one builds and the others wait. What a killed process left behind is
    removed.

    Args:
        folder: Created if absent. A complete one may be read-only.
        name: Of the file, without suffix.
        build: Is handed an empty scratch folder, deleted afterwards; returns the tensors and their source.
    """
    what = folder / f"{name}.safetensors"

    def make(scratch: Path) -> Stored:
        tensors, source = build(scratch)
        return _write(folder, name, tensors, source, scratch)

    return _ensure(folder, what, lambda: _verified(folder, name), make)


def ensure_folder(parent: Path, name: str, build: Callable[[Path, Path], str]) -> Stored:
    """Return the verified folder ``parent/name``, building it first if it is absent or damaged, as `ensure_stored`.

    Args:
        parent: Created if absent. A complete one may be read-only.
        name: Of the folder.
        build: Is handed an empty scratch folder, deleted afterwards, and an empty folder, which it fills with files;
            returns their source.
    """
    path = parent / name

    def make(scratch: Path) -> Stored:
        (scratch / "into").mkdir()
        (scratch / "ready").mkdir()
        source = build(scratch / "into", scratch / "ready")
        return _place(path, scratch / "ready", source, scratch)

    return _ensure(parent, path, lambda: _verified_folder(path), make)


def _ensure(folder: Path, what: Path, verified: Callable[[], Stored | None], make: Callable[[Path], Stored]) -> Stored:
    try:
        stored = verified()
    except _DamagedError:
        stored = None  # or another process is replacing it this moment: look again under the lock
    if stored is not None:
        _sweep_if_idle(folder)
        return stored
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        try:
            stored = verified()
        except _DamagedError as error:
            _log.warning("%s is damaged (%s): fetching it again", what, error)
        if stored is not None:
            return stored
        _sweep(folder)
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
        try:
            return make(scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def read_rows(stored: Stored, tensor: str, rows: range) -> Tensor:
    """Rows of one tensor of the file, in memory of their own; the others are not read."""
    with safe_open(stored.path, framework="pt") as file:
        part: Tensor = file.get_slice(tensor)[rows.start : rows.stop]
        return part.clone()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.info("another process is fetching into %s: waiting for it", folder)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _verified(folder: Path, name: str) -> Stored | None:
    """The stored file, None if there is none, _DamagedError if it is not what the manifest says."""
    path, manifest_path = folder / f"{name}.safetensors", folder / f"{name}.json"
    if not path.exists():
        return None
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        wanted, source = manifest["sha256"], str(manifest["source"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _DamagedError(f"its manifest cannot be read: {error}") from error
    found = file_sha256(path)
    if found != wanted:
        raise _DamagedError(f"SHA-256 {found}, expected {wanted}")
    return Stored(path, source)


def _verified_folder(path: Path) -> Stored | None:
    """The stored folder, None if there is none, _DamagedError if a file is not what the manifest says."""
    if not path.exists():
        return None
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        wanted, source = dict(manifest["sha256"]), str(manifest["source"])
        found = {file: file_sha256(path / file) for file in wanted}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _DamagedError(f"its manifest or a file cannot be read: {error}") from error
    for file, digest in wanted.items():
        if found[file] != digest:
            raise _DamagedError(f"{file} has SHA-256 {found[file]}, expected {digest}")
    return Stored(path, source)


def _place(path: Path, ready: Path, source: str, scratch: Path) -> Stored:
    digests = {file.name: file_sha256(file) for file in sorted(ready.iterdir())}
    (ready / _MANIFEST).write_text(json.dumps({"source": source, "sha256": digests}, indent=2) + "\n", encoding="utf-8")
    for file in ready.iterdir():
        _fsync(file)
    if path.exists():
        path.rename(scratch / "damaged")
    ready.rename(path)
    _fsync(path.parent)
    return Stored(path, source)


def _write(folder: Path, name: str, tensors: Mapping[str, Tensor], source: str, scratch: Path) -> Stored:
    part = scratch / f"{name}.safetensors"
    save_file(dict(tensors), part)
    manifest = {
        "file": part.name,
        "bytes": part.stat().st_size,
        "sha256": file_sha256(part),
        "source": source,
    }
    manifest_part = scratch / f"{name}.json"
    manifest_part.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    part.chmod(manifest_part.stat().st_mode)  # safetensors writes for the owner alone; a cache may be shared
    for ready in (part, manifest_part):
        _fsync(ready)
        ready.replace(folder / ready.name)
    _fsync(folder)
    return Stored(folder / part.name, source)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove scratch folders; only under the lock, when none of them can be in use."""
    for leftover in folder.glob(f"{_SCRATCH}*"):
        _log.info("removing %s, left by a process that was killed", leftover)
        shutil.rmtree(leftover, ignore_errors=True)


def _sweep_if_idle(folder: Path) -> None:
    if next(folder.glob(f"{_SCRATCH}*"), None) is None:
        return
    try:
        with FileLock(folder / ".lock", timeout=0):
            _sweep(folder)
    except (Timeout, OSError):
        return  # someone is at work there, or the folder is read-only
