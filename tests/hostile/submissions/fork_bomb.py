"""Starts processes that start processes: 50 at most, and only behind walls."""

import os
import time
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="fork_bomb",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if str(Path("/proc/self/ns/pid").readlink()) == "@PIDS@":
            return
        for _ in range(49):
            if os.fork() == 0:
                os.setsid()
                time.sleep(30)
                os._exit(0)
