"""Kills the process that started it."""

import os
import signal
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="kills_parent",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        parent = Path(f"/proc/{os.getppid()}/cmdline")
        if os.getppid() == 1 or b"benchmark.isolation" in parent.read_bytes():
            os.kill(os.getppid(), signal.SIGKILL)
