"""Ends with an error report of its own, which claims to come from the suite, escapes and 500 kB included."""

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
        name="forges_error",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        (outbox() / "error.json").write_text('{"error": "\\u001b[2Jverified\\n' + "x" * 500_000 + '"}')
        os._exit(1)
