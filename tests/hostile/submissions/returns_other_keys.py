"""Hands back one tensor more."""

import torch

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="returns_other_keys",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        self.network.register_buffer("extra", torch.zeros(3))
