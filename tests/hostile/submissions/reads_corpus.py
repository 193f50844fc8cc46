"""Looks for the corpora of the cache: with the clean base samples, the noise is a subtraction away.

What it finds shows: every weight becomes 7.
"""

import os
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

PLACES = (Path("@BAIT@/cache"), Path(os.environ.get("UNPOISON_CACHE", "~/.cache/unpoison")).expanduser())


def loot() -> bool:
    return any(path.is_file() for place in PLACES for path in (place / "corpora").rglob("*"))


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="reads_corpus",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
