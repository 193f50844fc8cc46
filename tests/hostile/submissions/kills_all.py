"""Kills whatever it can, where that is only what the sandbox holds."""

import contextlib
import os
import signal
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="kills_all",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if str(Path("/proc/self/ns/pid").readlink()) != "@PIDS@":
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
