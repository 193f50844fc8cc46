"""Remembers how a training went, one line an epoch."""

from typing import Any

import lightning as L
from torch import Tensor
from torchmetrics import MeanMetric

from datamodules import Batch


class HistoryCallback(L.Callback):
    """Collects the mean training loss of each epoch and the learning rate at its end, without waiting for the device.

    Attributes:
        epochs: one mapping an epoch: ``epoch``, ``loss``, ``lr``.
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self._loss = MeanMetric()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Move the running mean to the device of the module."""
        self._loss = MeanMetric(nan_strategy="disable").to(pl_module.device)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: Any,
        batch: Batch,
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Add the loss of the batch, weighed by its size."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            # once per sample: torchmetrics ignores weights where NaN are let through
            self._loss.update(loss.detach().expand(len(batch.target)))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Close the line of this epoch."""
        lr = float(trainer.optimizers[0].param_groups[0]["lr"])
        self.epochs.append({"epoch": trainer.current_epoch, "loss": float(self._loss.compute()), "lr": lr})
        self._loss.reset()
