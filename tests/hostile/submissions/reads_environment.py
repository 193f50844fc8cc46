"""Looks for a secret in its environment, its parents' and the first process's.

What it finds shows: every weight becomes 7.
"""

import os
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

CANARY = b"@TOKEN@"


def environments() -> "list[bytes]":
    found = [repr(dict(os.environ)).encode()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "environ").read_bytes())
        except OSError:
            continue
    return found


def loot() -> bool:
    return any(CANARY in environment for environment in environments())


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="reads_environment",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
