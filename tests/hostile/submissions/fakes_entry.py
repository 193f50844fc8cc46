"""Writes an entry of its own into the published board and into the output of the run."""

import contextlib
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

BAIT = Path("@BAIT@")


def fake() -> None:
    for board in (BAIT / "board", BAIT / "out" / "entries"):
        with contextlib.suppress(OSError):
            (board / "digits-gaussian-cnn-v1").mkdir(parents=True, exist_ok=True)
            (board / "digits-gaussian-cnn-v1" / "fakes_entry.json").write_text("{}")


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="fakes_entry",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        fake()
