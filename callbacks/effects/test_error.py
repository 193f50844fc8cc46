"""The audit of indiscriminate poisons: how often a network is wrong."""

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from callbacks.effect import Effect
from callbacks.functional import FloatArray
from datamodules import Batch, Corpus, ImageStore, Poisoning, SampleSet


class TestError(Effect):
    """Share of test images whose largest logit is not at their label; the accuracy of each class stands beside it."""

    __test__ = False  # no test case, whatever pytest thinks of the name
    name = "test_error"
    title = "test error"
    bounds = (0.0, 1.0)
    reference = None

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        self._matrix = MulticlassConfusionMatrix(corpus.num_classes, validate_args=False)

    def audit_set(self) -> SampleSet:
        """Return the test split."""
        test = self.corpus.test
        store = ImageStore.clean(test.inputs, self.corpus.mean, self.corpus.std)
        return SampleSet(store, torch.arange(len(test)), test.target)

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Count the answers of one batch."""
        self._matrix.update(logits, batch.target)

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        self._matrix.reset()
        self._matrix.to(device)

    def scalars(self) -> dict[str, float]:
        """Return the error and the accuracy of each class, in [0, 1]; NaN for a class without test images."""
        counts = self._matrix.compute().double().cpu().numpy()
        error, accuracies = error_and_class_accuracies(counts)
        by_class = zip(self.corpus.class_names, accuracies.tolist(), strict=True)
        return {"test_error": error} | {f"class_accuracy/{name}": accuracy for name, accuracy in by_class}


def error_and_class_accuracies(counts: FloatArray) -> tuple[float, FloatArray]:
    """Return the share of samples off the diagonal, and of each class the share on it.

    Args:
        counts: ``(C, C)``, samples of class i (row) that were taken for class j (column).

    Returns:
        The error in [0, 1], and ``(C,)`` accuracies, NaN for an empty row.
    """
    sizes = counts.sum(1)
    accuracies = np.divide(np.diag(counts), sizes, out=np.full(len(counts), np.nan), where=sizes > 0)
    return float(1 - np.trace(counts) / counts.sum()), accuracies
