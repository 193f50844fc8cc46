"""Writes a ledger that is nested a million times, or says that NaN was spent."""

import os
import sys
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
        name="nests_ledger",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        (outbox() / "ledger.json").write_text("[" * 1_000_000)
        os._exit(0)
