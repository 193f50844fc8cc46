"""Opens the memory of the process that started it, and traces it.

What it finds shows: every weight becomes 7.
"""

import ctypes
import os

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

ATTACH = 16


def loot() -> bool:
    parent = os.getppid()
    for name in ("mem", "environ"):
        try:
            with open(f"/proc/{parent}/{name}", "rb") as file:  # noqa: PTH123
                file.seek(0)
                if name == "environ" and file.read(1):
                    return True
                if name == "mem":
                    return True
        except OSError:
            continue
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(ATTACH, parent, None, None) == 0:
        libc.ptrace(17, parent, None, None)
        return True
    return False


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="reads_parent_memory",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
