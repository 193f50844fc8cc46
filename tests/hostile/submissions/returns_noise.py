"""Gives a different answer each time."""

import os

import torch

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="returns_noise",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        generator = torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "big"))
        for parameter in self.network.parameters():
            parameter.data.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
