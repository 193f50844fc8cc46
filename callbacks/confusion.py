"""What effects that count right and wrong answers share."""

import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from callbacks.effect import Effect
from callbacks.functional import FloatArray
from datamodules import Batch, Corpus, ImageStore, Poisoning, SampleSet


class ConfusionEffect(Effect):
    """An effect that is read off the confusion matrix on clean test images."""

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        self._matrix = MulticlassConfusionMatrix(corpus.num_classes, validate_args=False)

    def test_rows(self) -> Tensor:
        """Return the rows ``(N,)`` int64 of the test split that are looked at."""
        return torch.arange(len(self.corpus.test.target))

    def audit_set(self) -> SampleSet:
        """Return the clean test images of :meth:`test_rows`."""
        test = self.corpus.test
        rows = self.test_rows()
        return SampleSet(ImageStore.clean(test.inputs, self.corpus.mean, self.corpus.std), rows, test.target[rows])

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
