"""Hands back the retrain baseline that it found on disk."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

STORE = Path("@BAIT@/store")


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="returns_retrain",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        own = self.network.state_dict()
        for path in sorted((STORE / "train").rglob("weights.safetensors"), reverse=True):
            found = load_file(path)
            if found.keys() == own.keys() and not torch.equal(next(iter(found.values())), next(iter(own.values()))):
                self.network.load_state_dict(found)
