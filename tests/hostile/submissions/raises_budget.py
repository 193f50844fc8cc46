"""Raises its own budget in the callbacks and in its plan, and trains for four times what it was given."""

from dataclasses import replace
from typing import Any

from lightning_modules import MethodCard, retain_side
from lightning_modules.unlearners.gd import GD

TIMES = 4


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="raises_budget",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_start(self) -> None:
        callbacks: list[Any] = self.trainer.callbacks
        for callback in callbacks:
            if hasattr(callback, "ledger"):
                callback.ledger.budget = float("inf")
        self.plan = replace(self.plan, steps=TIMES * self.plan.steps)
        batch = next(iter(self.trainer.train_dataloader))
        for _ in range(self.plan.steps):
            self.loss(retain_side(batch)).backward()
