"""Keeps what it knows for its next run: in files that are hard to remove, in shared memory, in a keyring.

What it finds shows: every weight becomes 7.
"""

import contextlib
import ctypes
import os
import tempfile
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

SCRATCH = {Path(tempfile.gettempdir()), Path.home(), Path.cwd(), Path("/dev/shm")}  # noqa: S108
KEY, CREATE, EXCLUSIVE = 0x5D1F0C, 0o1000, 0o2000
ADD_KEY, KEYCTL, SEARCH, USER = 248, 250, 10, -4  # on x86-64


def loot() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    known = [libc.shmget(KEY, 4096, 0o600) >= 0, libc.msgget(KEY, 0o600) >= 0, libc.semget(KEY, 1, 0o600) >= 0]
    libc.shmget(KEY, 4096, CREATE | EXCLUSIVE | 0o600)
    libc.msgget(KEY, CREATE | EXCLUSIVE | 0o600)
    libc.semget(KEY, 1, CREATE | EXCLUSIVE | 0o600)
    for place in sorted(SCRATCH):
        hidden = place / ".@TOKEN@"
        known.append(hidden.exists())
        with contextlib.suppress(OSError):
            (hidden / "deep").mkdir(parents=True)
            (hidden / "deep").chmod(0)
            hidden.chmod(0)
    libc.syscall.restype = ctypes.c_long
    known.append(libc.syscall(KEYCTL, SEARCH, USER, b"user", b"@TOKEN@", 0) > 0)
    libc.syscall(ADD_KEY, b"user", b"@TOKEN@", b"known", 5, USER)
    for place in sorted({*SCRATCH, Path("/exchange/out")}):
        with contextlib.suppress(OSError):
            known.append("user.token" in os.listxattr(place))
            os.setxattr(place, "user.token", b"known")
    return any(known)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="remembers",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
