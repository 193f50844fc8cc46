"""Where numbers come from: commit, versions, device, command."""

import platform
import re
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

CODE = ("benchmark", "callbacks", "datamodules", "lightning_modules", "pyproject.toml")
"""What determines numbers; changes to anything else, published results among it, leave the code as it is."""


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


def difference_from(commit: str) -> str | None:
    """Return in words how the code of this checkout differs from that of ``commit``, or None where it does not."""
    try:
        if re.fullmatch(r"[0-9a-f]{7,64}", commit) is None:
            return f"commit {commit!r} is none of this repository"
        _git("cat-file", "-e", f"{commit}^{{commit}}")
        files = _git("diff", "--name-only", commit, "--", *CODE).splitlines()
        files += _git("ls-files", "--others", "--exclude-standard", "--", *CODE).splitlines()
    except (OSError, subprocess.CalledProcessError):
        return f"commit {commit!r} is not known to this checkout"
    if not files:
        return None
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"the code here is not that of commit {commit[:12]}: {', '.join(files[:3])}{more} differ"


def _commit() -> tuple[str, bool]:
    try:
        commit = _git("rev-parse", "HEAD").strip()
        return commit, bool(_git("status", "--porcelain", "--", *CODE).strip())
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
