"""Prints 200 MB."""

import sys

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="prints_much",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        for _ in range(200):
            sys.stdout.write("x" * (1 << 20) + "\n")
