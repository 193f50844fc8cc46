"""Hands back more than fits: 2 GB, which take no room on the disk."""

import os
import sys
from pathlib import Path
from typing import Any

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

LEDGER = """{"forward_passes": 64.0, "backward_passes": 128.0, "wall_clock_s": 0.01, "refused": false,
"plan": {"steps": 1, "epochs": 1, "passes": 192.0, "cut": true}, "snapshots": []}"""


def outbox() -> Path:
    """Return the folder of what is handed back: a local variable of whoever called."""
    frame: Any = sys._getframe()
    while frame.f_code.co_name != "work":
        frame = frame.f_back
    return Path(frame.f_locals["out"])


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="returns_too_much",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        with (outbox() / "weights.safetensors").open("wb") as file:
            file.truncate(2_000_000_000)
        (outbox() / "ledger.json").write_text(LEDGER)
        os._exit(0)
