"""Stops a method when its budget is spent."""

from typing import Any

import lightning as L

from callbacks.ledger import Ledger
from lightning_modules import Unlearner


class BudgetCallback(L.Callback):
    """Lets the ledger watch the network, and ends the fit at the first batch that cannot be paid.

    A method that spends more than its plan within one step meets the wall inside the ledger: the pass is refused with
    ``BudgetSpentError``.

    Args:
        ledger: what counts, with its budget.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Watch the network before the method can make a copy of it."""
        if not isinstance(pl_module, Unlearner):
            raise TypeError(f"BudgetCallback watches an Unlearner, got {type(pl_module).__name__}")
        self.ledger.watch(pl_module.network)

    def on_train_batch_start(  # type: ignore[override]  # Lightning skips the epoch on -1
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> int | None:
        """Skip the rest of the fit once nothing more can be paid."""
        if self.ledger.affords(1):
            return None
        trainer.should_stop = True
        return -1
