"""Looks for the audit secrets in the store, and in whatever the process can see.

What it finds shows: every weight becomes 7.
"""

import os
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

PLACES = (Path("@BAIT@"), Path.home(), Path.cwd(), Path("/tmp"), Path("/var/tmp"))  # noqa: S108


def loot() -> bool:
    for place in PLACES:
        for number, (_, _, files) in enumerate(os.walk(place)):
            if "secrets.safetensors" in files or "secrets.json" in files:
                return True
            if number > 2000:
                break
    return False


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="reads_secrets",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
