"""The contract of a measurement: a Lightning callback that watches named test sets go through a network."""

from typing import Any, ClassVar, Literal

import lightning as L
import torch
from torch import Tensor, nn

from callbacks.scoring import ScoringModule
from datamodules import Batch

Role = Literal["selection", "test", "forget", "retain", "audit"]


class Measurement(L.Callback):
    """Measures a network during ``Trainer.test`` on a :class:`ScoringModule`.

    State lives in torchmetrics, so that it is right when several processes score parts of a set.

    Class attributes:
        name: prefix of its results.
        higher_is_better: for the defender.
        bounds: least and largest possible value, None where unbounded.
        reference: the value that a network without poison has, or None.
    """

    name: ClassVar[str]
    higher_is_better: ClassVar[bool]
    bounds: ClassVar[tuple[float | None, float | None]]
    reference: ClassVar[float | None]

    def __init__(self, role: Role) -> None:
        self.role = role

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:
        """Take in one batch of the set this measurement reads.

        Args:
            network: in eval mode.
            batch: the samples.
            logits: ``(N, num_classes)`` float32, what the network said.
        """
        raise NotImplementedError

    def reset(self, device: torch.device) -> None:
        """Forget what was taken in, and keep state on ``device``."""
        raise NotImplementedError

    def scalars(self) -> dict[str, float]:
        """Return the results; the one called like the measurement is the main one."""
        raise NotImplementedError

    def arrays(self) -> dict[str, Tensor]:
        """Return what pictures are drawn from."""
        return {}

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Start anew."""
        self.reset(pl_module.device)

    def on_test_batch_end(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,  # noqa: ARG002
        dataloader_idx: int = 0,
    ) -> None:
        """Pass the batch on, where it belongs to the set this measurement reads."""
        if isinstance(pl_module, ScoringModule) and pl_module.roles[dataloader_idx] == self.role:
            self.update(pl_module.network, batch, outputs)
