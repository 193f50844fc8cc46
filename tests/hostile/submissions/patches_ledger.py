"""Makes the ledger charge nothing, then trains on."""

import time
from typing import Any

from callbacks import Ledger
from lightning_modules import MethodCard, retain_side
from lightning_modules.unlearners.gd import GD

SECONDS = float("@SECONDS@")


def free(self: Ledger, samples: int, **_: Any) -> None:
    """Charge nothing."""


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="patches_ledger",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_start(self) -> None:
        Ledger.charge_forward = free  # type: ignore[method-assign]
        Ledger.charge_backward = free  # type: ignore[method-assign]
        end = time.process_time() + SECONDS
        batch = next(iter(self.trainer.train_dataloader))
        while time.process_time() < end:
            self.loss(retain_side(batch)).backward()
