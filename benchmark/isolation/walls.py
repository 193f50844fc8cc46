"""What a submission sees of this machine: bubblewrap where it works, else only a process of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from benchmark.code import ROOT
from datamodules.corpora.store import cache_root

MODE = "UNPOISON_SANDBOX"
"""Environment variable; ``process`` does without walls, for platforms and tests. Nothing else switches them off."""

INBOX, OUTBOX = Path("/exchange/in"), Path("/exchange/out")
ROOMS = ("benchmark", "callbacks", "datamodules", "lightning_modules")
SCRATCH_BYTES = 256 * 1024**2
SCRATCH = ("/scratch", "/dev/shm")  # noqa: S108 - its own, in memory
"""Folders in which a submission may write, emptied after each job. The first is its home."""

_NUMERICS = ("ATEN_", "CUBLAS_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "TORCH_")
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("alternatives", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "nsswitch.conf", "passwd")


@dataclass(frozen=True)
class Walls:
    """How a submission is kept apart.

    Attributes:
        kind: as in an entry's protection.
        detail: what is active, in words.
    """

    kind: str
    detail: str


@cache
def walls() -> Walls:
    """Return what this machine offers; it is tried once.

    Raises:
        ValueError: if ``UNPOISON_SANDBOX`` is neither empty nor ``process``.
    """
    mode = os.environ.get(MODE, "")
    if mode not in {"", "process"}:
        raise ValueError(f"{MODE} must be 'process' or unset, got {mode!r}")
    missing = f"{MODE}=process" if mode else _reason_against_bubblewrap()
    if missing:
        return Walls("process", f"no walls ({missing}): files and network are in reach; memory and time are watched")
    return Walls(
        "bubblewrap",
        "no network, no other processes, read-only libraries; neither store, entries nor fetched corpora are in sight; "
        "memory and time are watched",
    )


def environment(home: str) -> dict[str, str]:
    """Return the environment variables of a sandbox: what numbers depend on, and little more.

    Args:
        home: folder for whatever it writes on the side.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith(_NUMERICS)}
    passed = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH") if name in os.environ}
    ours = {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "UNPOISON_CACHE": str(cache_root().absolute()),
    }
    return kept | passed | ours


def bubblewrap(inbox: Path, outbox: Path) -> list[str]:
    """Return the command that puts what follows it behind walls.

    Args:
        inbox: folder that is read, at :data:`INBOX`.
        outbox: folder that is written, at :data:`OUTBOX`.
    """
    command = ["bwrap", "--unshare-all", "--as-pid-1", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--clearenv"]
    for name, value in environment(SCRATCH[0]).items():
        command += ["--setenv", name, value]
    command += ["--ro-bind", "/usr", "/usr"]
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            command += ["--symlink", str(place.readlink()), str(place)]
        elif place.exists():
            command += ["--ro-bind", str(place), str(place)]
    for name in _ETC:
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for scratch in SCRATCH:
        command += ["--size", str(SCRATCH_BYTES), "--tmpfs", scratch]
    for place in _readable():
        command += ["--ro-bind", str(place), str(place)]
    if torch.cuda.is_available():
        for device in sorted(Path("/dev").glob("nvidia*")):
            command += ["--dev-bind-try", str(device), str(device)]
    command += ["--ro-bind", str(inbox), str(INBOX), "--bind", str(outbox), str(OUTBOX)]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH[0], "--"]


def _readable() -> list[Path]:
    """Return what Python and networks are made of, outer folders first."""
    found = {Path(sys.prefix), Path(sys.base_prefix), *(ROOT / room for room in ROOMS)}
    checkpoints = cache_root().absolute() / "checkpoints"
    if checkpoints.is_dir():
        found.add(checkpoints)
    return sorted(place for place in found if not place.is_relative_to("/usr"))


def _reason_against_bubblewrap() -> str:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    nothing = Path(__file__).parent
    command = [*bubblewrap(nothing, nothing), sys.executable, "-I", "-S", "-c", "pass"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start: {error}"
    said = " ".join(done.stderr.split())[:200]
    return "" if done.returncode == 0 else f"bubblewrap does not work here: {said or done.returncode}"
