"""Places a corpus's file can come from: each delivers it, its SHA-256 checked, or says why it cannot."""

import hashlib
import importlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class SourceError(RuntimeError):
    """This source cannot deliver; the message says why."""


class Source(Protocol):
    """Somewhere a file can come from."""

    @property
    def name(self) -> str:
        """What to call it in messages and manifests."""

    def fetch(self, into: Path) -> Path:
        """Deliver the file, downloading into the empty folder `into` if need be.

        Raises:
            SourceError: If it cannot, or the file has another SHA-256.
        """


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checked(path: Path, sha256: str) -> Path:
    """Return `path` if the file has this SHA-256.

    Raises:
        SourceError: If it has another.
    """
    found = file_sha256(path)
    if found != sha256:
        raise SourceError(f"{path.name} has SHA-256 {found}, expected {sha256}")
    return path


@dataclass(frozen=True)
class HandPlaced:
    """A file that the user put in the cache folder; it stays there.

    Attributes:
        path: Where it must lie.
        sha256: Of the file, hex.
        origin: How a person comes by it, for the message when every source fails.
    """

    path: Path
    sha256: str
    origin: str

    @property
    def name(self) -> str:
        """What to call it."""
        return f"hand-placed {self.path.name}"

    def fetch(self, into: Path) -> Path:  # noqa: ARG002 - it lies where it lies
        """Return the file itself."""
        if not self.path.is_file():
            raise SourceError(f"no such file: {self.path}")
        return checked(self.path, self.sha256)


@dataclass(frozen=True)
class PlacedFolder:
    """A folder that the user put in the cache; it stays there. Whoever reads it checks its files.

    Attributes:
        path: Where it must lie.
        origin: Which files a person puts there, for the message when every source fails.
    """

    path: Path
    origin: str

    @property
    def name(self) -> str:
        """What to call it."""
        return "hand-placed folder"

    def fetch(self, into: Path) -> Path:  # noqa: ARG002 - it lies where it lies
        """Return the folder itself."""
        if not self.path.is_dir():
            raise SourceError(f"no such folder: {self.path}")
        return self.path


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@dataclass(frozen=True)
class UrlDownload:
    """A file behind a URL, through torchvision's downloader.

    Attributes:
        name: What to call it.
        url: Where it is.
        md5: Of the file, hex; torchvision checks it.
        sha256: Of the file, hex.
        timeout: Seconds to wait for a connection, and for each read.
    """

    name: str
    url: str
    md5: str
    sha256: str
    timeout: float = 20.0

    def fetch(self, into: Path) -> Path:
        """Download the file."""
        torchvision = importlib.import_module("torchvision.datasets.utils")  # slow to import, seldom needed
        filename = self.url.rsplit("/", 1)[-1]
        try:
            with _socket_timeout(self.timeout):
                torchvision.download_url(self.url, into, filename=filename, md5=self.md5)
        except (OSError, RuntimeError) as error:  # URLError and TimeoutError are OSErrors
            raise SourceError(f"download failed: {error}") from error
        return checked(into / filename, self.sha256)
