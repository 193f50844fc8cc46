"""What effects that count right and wrong answers share."""

import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from callbacks.effect import Effect
from callbacks.functional import FloatArray
from datamodules import Batch, Corpus, Poisoning


class ConfusionEffect(Effect):
    """An effect that is read off the confusion matrix on the clean test set."""

    reads = "test"

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        self._matrix = MulticlassConfusionMatrix(corpus.num_classes, validate_args=False)

    def audit_set(self) -> None:
        """Return None: the test set goes through the network anyway."""

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Count the answers of one batch."""
        self._matrix.update(logits, batch.target)

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        self._matrix.reset()
        self._matrix.to(device)

    def counts(self) -> FloatArray:
        """Return ``(C, C)``: samples of class i (row) that were taken for class j (column)."""
        counts: FloatArray = self._matrix.compute().double().cpu().numpy()
        return counts
