"""Takes memory until it gets no more, or until 4 GiB."""

import torch

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="eats_memory",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        self.held = [torch.ones(32, 1024, 1024) for _ in range(32)]
