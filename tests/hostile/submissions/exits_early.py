"""Ends its process in the first step, with the exit code of success."""

import os

from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="exits_early",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """End."""
        os._exit(0)
