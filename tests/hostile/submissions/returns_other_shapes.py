"""Hands back a wider last layer."""

from torch import nn

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="returns_other_shapes",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        name, last = [(name, part) for name, part in self.network.named_modules() if isinstance(part, nn.Linear)][-1]
        self.network.set_submodule(name, nn.Linear(last.in_features, last.out_features + 1))
