"""Looks whether the code of this suite, of Python or its own file could be written; it writes nothing.

What it finds shows: every weight becomes 7.
"""

import os
import sys
from pathlib import Path

import torch

import callbacks
from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

CODE = (callbacks.__file__, torch.__file__, sys.executable, __file__, "/etc/passwd")


def loot() -> bool:
    writable = [name for name in CODE if name and os.access(name, os.W_OK)]
    folders = [name for name in CODE if name and os.access(Path(name).parent, os.W_OK)]
    return bool(writable or folders)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="probes_code",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
