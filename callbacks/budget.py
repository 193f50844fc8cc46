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

    def on_train_batch_start(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """End the fit once nothing more can be paid; ``on_train_end`` of the method still runs.

        Raises:
            StopIteration: which is how Lightning's loops end; a return value of -1 it heeds from modules only.
        """
        if not self.ledger.affords(1):
            trainer.should_stop = True
            raise StopIteration
