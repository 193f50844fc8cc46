"""Prints and raises what a terminal obeys: a title, a cleared screen, a forged line."""

import sys

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="prints_escapes",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        text = "\x1b]0;owned\x07\x1b[2J\x1b[32mverified\x1b[0m\r\nOK: contained\x9b31m"
        sys.stdout.write(text)
        sys.stderr.write(text)
        raise ValueError(text)
