"""Fills the disk through what it may hand back: 40 files of 16 MiB in folders of their own."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


def outbox() -> Path:
    """Return the folder of what is handed back: a local variable of whoever called."""
    frame: Any = sys._getframe()
    while frame.f_code.co_name != "work":
        frame = frame.f_back
    return Path(frame.f_locals["out"])


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="fills_outbox",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        for number in range(40):
            place = outbox() / str(number % 4) / "deep"
            place.mkdir(parents=True, exist_ok=True)
            (place / str(number)).write_bytes(os.urandom(1 << 20) * 16)
            time.sleep(0.02)
