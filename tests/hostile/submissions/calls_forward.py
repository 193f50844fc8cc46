"""Trains past its budget by calling ``forward`` of the network, which no hook sees."""

import time
from typing import Any

import torch
from torch.nn import functional as F

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

SECONDS = float("@SECONDS@")


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="calls_forward",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        store = self.trainer.train_dataloader
        end = time.process_time() + SECONDS
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        batch: Any = next(iter(store)).retain
        with torch.enable_grad():
            while time.process_time() < end:
                loss = F.cross_entropy(self.network.forward(batch.inputs), batch.target)
                for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                    weight.data.sub_(slope, alpha=1e-3)
