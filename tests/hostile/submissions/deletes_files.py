"""Deletes store, board and home: those of the bait, and only where the marker says that they are bait."""

import shutil
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

BAIT = Path("@BAIT@")


def delete() -> None:
    if (BAIT / "this-is-bait").is_file():
        for name in ("store", "board", "home"):
            shutil.rmtree(BAIT / name, ignore_errors=True)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="deletes_files",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        delete()
