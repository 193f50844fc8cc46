"""Keeps the weights at a few moments along the unlearning, so that they can be scored elsewhere."""

from dataclasses import dataclass
from typing import Any

import lightning as L
from torch import Tensor

from callbacks.ledger import Ledger
from lightning_modules import Unlearner


@dataclass(frozen=True)
class Snapshot:
    """Weights at one moment.

    Attributes:
        step: steps done.
        passes: network passes spent.
        weights: state of the network, on the CPU, sharing no storage with it.
    """

    step: int
    passes: float
    weights: dict[str, Tensor]


class SnapshotCallback(L.Callback):
    """Takes ``count`` snapshots at equal distances of the plan's steps, the end not included.

    The unlearning process never sees an audit secret: measurements along the way are made from these afterwards.

    Args:
        ledger: tells what was spent; snapshots themselves cost nothing.
        count: number of snapshots, at least 0.
    """

    def __init__(self, ledger: Ledger, count: int) -> None:
        if count < 0:
            raise ValueError(f"count must be at least 0, got {count}")
        self.ledger = ledger
        self.count = count
        self.snapshots: list[Snapshot] = []
        self._steps = 0
        self._due: set[int] = set()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Choose the moments."""
        if not isinstance(pl_module, Unlearner):
            raise TypeError(f"SnapshotCallback follows an Unlearner, got {type(pl_module).__name__}")
        steps = pl_module.plan.steps
        self._due = {round(steps * part / (self.count + 1)) for part in range(1, self.count + 1)} - {0, steps}

    def on_train_batch_end(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Keep the weights where it is time to."""
        self._steps += 1
        if self._steps in self._due and isinstance(pl_module, Unlearner):
            with self.ledger.paused(pl_module.device):
                state = pl_module.network.state_dict()
                weights = {name: value.detach().cpu().clone() for name, value in state.items()}
                self.snapshots.append(Snapshot(self._steps, self.ledger.passes, weights))
