"""The artifact store: content-addressed folders, written atomically, verified on read, locked while computed."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

STORE_SCHEMA = 1
MANIFEST = "manifest.json"


class StoreError(RuntimeError):
    """A store that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Artifact:
    """A finished result.

    Attributes:
        stage: name of the stage that made it.
        address: hash of everything that determines it.
        folder: where its files lie.
        meta: small facts that later stages or tables need; plain JSON data.
    """

    stage: str
    address: str
    folder: Path
    meta: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.folder / name


class ArtifactStore:
    """Artifacts below a folder, as ``<stage>/<address>/``.

    An artifact is a folder of files and a manifest with their SHA-256; it appears by one rename, whole or not at all.

    Args:
        root: the folder; made where it does not exist.

    Raises:
        StoreError: if the folder cannot be made or was written by another version.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: dict[str, Artifact] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._check_schema()
        except OSError as error:
            raise StoreError(
                f"store {str(root)!r} cannot be used: {error.strerror}; name another with --store"
            ) from error
        with contextlib.suppress(OSError):  # read-only, or a file system without such locks
            weakref.finalize(self, os.close, _claim(root, fcntl.LOCK_SH))

    def find(self, stage: str, address: str) -> Artifact | None:
        """Return the artifact if it is there and undamaged; a damaged one is removed, so that it is computed again."""
        known = self._verified.get(address)
        if known is not None:
            return known
        if not self.folder(stage, address).is_dir():
            return None
        found = self._read(stage, address)
        if found is None:
            with self.lock(stage, address):
                found = self._read_or_remove(stage, address)
        return found

    def compute(
        self,
        stage: str,
        address: str,
        description: Mapping[str, Any],
        work: Callable[[Path], Mapping[str, Any]],
    ) -> tuple[Artifact, bool]:
        """Return the artifact, computing it where it is missing.

        Args:
            stage: name of the stage.
            address: its address.
            description: what was hashed into the address; kept in the manifest for lineage.
            work: writes files into the folder it is given and returns the artifact's ``meta``.

        Returns:
            the artifact, and whether it was computed now.
        """
        with self.lock(stage, address):
            found = self._read_or_remove(stage, address)
            if found is not None:
                return found, False
            folder = self.folder(stage, address)
            partial = folder.with_name(f"{address}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            try:
                meta = dict(work(partial))
                _seal(partial, stage, address, description, meta)
                partial.rename(folder)
                _sync(folder.parent)
                shutil.rmtree(workbench_of(partial), ignore_errors=True)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        artifact = Artifact(stage, address, folder, meta)
        self._verified[address] = artifact
        return artifact, True

    def sweep(self) -> None:
        """Remove what killed processes left half-written; work in progress is left alone."""
        for partial in self.root.glob("*/*.partial"):
            lock = FileLock(self._lock_path(partial.parent.name, partial.name.removesuffix(".partial")), timeout=0)
            with contextlib.suppress(Timeout), lock:
                shutil.rmtree(partial, ignore_errors=True)

    def folder(self, stage: str, address: str) -> Path:
        """Return where an artifact lies, or would lie."""
        return self.root / stage / address

    @contextmanager
    def lock(self, stage: str, address: str) -> Iterator[None]:
        """Hold the right to compute an artifact; the operating system frees it when a process dies."""
        with FileLock(self._lock_path(stage, address)):
            yield

    def _read(self, stage: str, address: str) -> Artifact | None:
        folder = self.folder(stage, address)
        meta = _verify(folder, address)
        if meta is None:
            return None
        artifact = Artifact(stage, address, folder, meta)
        self._verified[address] = artifact
        return artifact

    def _read_or_remove(self, stage: str, address: str) -> Artifact | None:
        """Return the artifact, or remove what is damaged; the caller holds the lock."""
        found = self._read(stage, address)
        folder = self.folder(stage, address)
        if found is None and folder.exists():
            shutil.rmtree(folder)
        return found

    def _lock_path(self, stage: str, address: str) -> Path:
        locks = self.root / "locks"
        locks.mkdir(exist_ok=True)
        return locks / f"{stage}-{address[:32]}.lock"

    def _other_files(self) -> bool:
        return any(not path.name.startswith("store.json") for path in self.root.iterdir())

    def _check_schema(self) -> None:
        path = self.root / "store.json"
        if not path.exists():
            if self._other_files() and not (self.root / "locks").exists():
                raise StoreError(f"store {str(self.root)!r} is a folder of other files; name an empty one with --store")
            temporary = path.with_name(f"store.json.{os.getpid()}.partial")
            temporary.write_text(json.dumps({"schema": STORE_SCHEMA}))
            temporary.replace(path)
        check_schema(self.root)


def check_schema(root: Path) -> None:
    """Check that a store was written by this version.

    Raises:
        StoreError: if it was not, or its file ``store.json`` is damaged.
        OSError: if that file cannot be read.
    """
    path = root / "store.json"
    try:
        schema = json.loads(path.read_text())["schema"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"{path} is damaged; remove it if the folder is a store of this version") from error
    if schema != STORE_SCHEMA:
        raise StoreError(
            f"store {str(root)!r} has schema {schema!r}, this version writes {STORE_SCHEMA}; name another with --store"
        )


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold a store alone: whoever opens it waits until the end.

    Raises:
        StoreError: if another process has it open, or it cannot be locked.
    """
    try:
        descriptor = _claim(root, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreError(f"store {str(root)!r} is in use by another process; try again when that has ended") from error
    except OSError as error:
        raise StoreError(f"store {str(root)!r} cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        os.close(descriptor)


def _claim(root: Path, kind: int) -> int:
    (root / "locks").mkdir(exist_ok=True)
    descriptor = os.open(root / "locks" / "store.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, kind)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def workbench_of(partial: Path) -> Path:
    """Return the folder in which work on ``partial`` may keep what it has finished, across kills; gone in the end."""
    return partial.with_name(partial.name.removesuffix(".partial") + ".workbench")


def _seal(folder: Path, stage: str, address: str, description: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    files = {}
    for path in sorted(folder.iterdir()):
        files[path.name] = {"sha256": _sha256(path), "bytes": path.stat().st_size}
        _sync(path)
    manifest = {
        "schema": STORE_SCHEMA,
        "stage": stage,
        "address": address,
        "description": description,
        "files": files,
        "meta": meta,
    }
    text = json.dumps(manifest, sort_keys=True, indent=1, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = folder / MANIFEST
    path.write_text(f"{digest}\n{text}\n")
    _sync(path)
    _sync(folder)


def _verify(folder: Path, address: str) -> Mapping[str, Any] | None:
    try:
        digest, _, text = (folder / MANIFEST).read_text().partition("\n")
        text = text.removesuffix("\n")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return None
        manifest = json.loads(text)
        if manifest["address"] != address or manifest["schema"] != STORE_SCHEMA:
            return None
        for name, facts in manifest["files"].items():
            path = folder / name
            if path.stat().st_size != facts["bytes"] or _sha256(path) != facts["sha256"]:
                return None
        return dict(manifest["meta"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
