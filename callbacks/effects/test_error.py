"""The audit of indiscriminate poisons: how often a network is wrong."""

import numpy as np

from callbacks.confusion import ConfusionEffect
from callbacks.functional import FloatArray


class TestError(ConfusionEffect):
    """Share of test images whose largest logit is not at their label; the accuracy of each class stands beside it."""

    __test__ = False  # no test case, whatever pytest thinks of the name
    name = "test_error"
    title = "test error"
    bounds = (0.0, 1.0)
    reference = None

    def scalars(self) -> dict[str, float]:
        """Return the error and the accuracy of each class, in [0, 1]; NaN for a class without test images."""
        error, accuracies = error_and_class_accuracies(self.counts())
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
