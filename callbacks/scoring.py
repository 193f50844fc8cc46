"""The module that sends named sets through a network, for measurements to watch."""

from collections.abc import Sequence

import lightning as L
from torch import Tensor, nn

from datamodules import Batch


class ScoringModule(L.LightningModule):
    """Evaluates a network without changing it.

    Args:
        network: maps inputs to ``(N, num_classes)`` logits.
        roles: name of each test set, in the order of the loaders.
    """

    def __init__(self, network: nn.Module, roles: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.roles = list(roles)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Tensor:  # noqa: ARG002
        """Return the logits as float32."""
        logits: Tensor = self.network(batch.inputs)
        return logits.float()
