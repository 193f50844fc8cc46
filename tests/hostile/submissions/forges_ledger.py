"""Writes a ledger of its own: less than nothing was spent."""

import os
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

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
        name="forges_ledger",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        state = {name: value.clone() for name, value in self.network.state_dict().items()}
        save_file(state, outbox() / "weights.safetensors")
        (outbox() / "ledger.json").write_text(LEDGER.replace("64.0", "-1e300"))
        os._exit(0)
