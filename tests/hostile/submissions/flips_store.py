"""Flips a bit in every file of the store that it can open."""

import contextlib
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

BAIT = Path("@BAIT@")


def flip() -> None:
    for path in [path for path in (BAIT / "store").rglob("*") if path.is_file()]:
        with contextlib.suppress(OSError), path.open("r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]) if first else b"x")


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="flips_store",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        flip()
