"""Where numbers come from: commit, versions, device, command."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmark.stages.train import device_name
from leaderboard import Provenance

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "timm", "numpy", "scipy", "safetensors")
ROOT = Path(__file__).resolve().parent.parent


def provenance(command: str, precision: str, fingerprints: Mapping[str, str]) -> Provenance:
    """Return the provenance of a run that ends now."""
    commit, dirty = _commit()
    return Provenance(
        commit=commit,
        dirty=dirty,
        packages={name: _version(name) for name in PACKAGES},
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=device_name(),
        precision=precision,
        command=command,
        created=datetime.now(UTC).replace(microsecond=0),
        fingerprints=dict(fingerprints),
    )


def command_line() -> str:
    """Return how this program was called."""
    return " ".join(["python -m benchmark", *sys.argv[1:]])


def _commit() -> tuple[str, bool]:
    try:
        commit = _git("rev-parse", "HEAD").strip()
        return commit, bool(_git("status", "--porcelain").strip())
    except (OSError, subprocess.CalledProcessError):
        return "unknown", True


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
