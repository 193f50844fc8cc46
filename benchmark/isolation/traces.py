"""Removes what a job left in its sandbox, so that no job learns anything from the last one."""

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

_IPC_RMID = 0
_SYSV = {"shm": ("shmctl", 2), "msg": ("msgctl", 2), "sem": ("semctl", 3)}
"""Kinds of System V IPC: the call that removes one, and which of its arguments is the command."""

_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEYCTL_CLEAR = 7
_KEYRINGS = (-1, -2, -3, -4, -5)
"""Of the thread, the process, the session, the user and the user's session."""


def remove_traces(folders: Iterable[Path], handed_back: Path, *, alone: bool) -> None:
    """Empty some folders, and everything else that outlives a process in a sandbox.

    Args:
        folders: what a job may have written into; they stay.
        handed_back: a folder that keeps its files, and loses what is attached to it.
        alone: whether this process is the first of its own namespaces, so that what it finds there is its own.
    """
    places = list(folders)
    for folder in places:
        _empty(folder)
    for folder in (*places, handed_back):
        with contextlib.suppress(OSError):
            for name in os.listxattr(folder):
                os.removexattr(folder, name)
            os.utime(folder, (0, 0))
    if alone:
        _remove_shared_memory()
        _clear_keyrings()


def _empty(folder: Path) -> None:
    with contextlib.suppress(OSError, RecursionError):
        for entry in list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    left = [str(entry) for entry in folder.iterdir()]
    if left:  # folders that may not be entered, or are nested deeper than Python goes
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", *left], check=False, capture_output=True)  # noqa: S603


def _remove_shared_memory() -> None:
    libc = ctypes.CDLL(None)
    for kind, (name, place) in _SYSV.items():
        with contextlib.suppress(OSError):
            for line in Path("/proc/sysvipc", kind).read_text().splitlines()[1:]:
                identifier = int(line.split()[1])
                getattr(libc, name)(identifier, *([0] * (place - 2)), _IPC_RMID, None)


def _clear_keyrings() -> None:
    number = _KEYCTL.get(os.uname().machine)
    everybody = Path("/proc/self/uid_map").read_text().split()[-1] == str(2**32 - 1)
    if number is not None and not everybody:  # in a user namespace the keyrings are its own
        libc = ctypes.CDLL(None)
        for keyring in _KEYRINGS:
            libc.syscall(number, _KEYCTL_CLEAR, keyring)
