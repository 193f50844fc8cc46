"""The audit of swapped labels: how often a network takes one class for the other."""

from callbacks.confusion import ConfusionEffect
from callbacks.functional import FloatArray
from datamodules import Corpus, Poisoning


class LabelConfusion(ConfusionEffect):
    """Share of the test images of two classes that are taken for the other one of the two.

    Raises:
        ValueError: if one of the classes has no test image.

    Source: Goel, Prabhu, Torr, Kumaraguru, Sanyal, 2024 (interclass confusion).
    """

    name = "label_confusion"
    title = "label confusion rate"
    bounds = (0.0, 1.0)
    reference = None

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        first, second = poisoning.secrets["classes"].tolist()
        self.classes: tuple[int, int] = (first, second)
        for label in self.classes:
            if not bool((corpus.test.target == label).any()):
                raise ValueError(f"{corpus.name} has no test image of class {label}")

    def scalars(self) -> dict[str, float]:
        """Return the confusion of both classes, that of each, and the accuracy on both, in [0, 1]."""
        counts = self.counts()
        names = [self.corpus.class_names[label] for label in self.classes]
        both, first, second, accuracy = confusion_rates(counts, *self.classes)
        return {
            "label_confusion": both,
            f"confusion/{names[0]}_as_{names[1]}": first,
            f"confusion/{names[1]}_as_{names[0]}": second,
            "confusion/accuracy": accuracy,
        }


def confusion_rates(counts: FloatArray, first: int, second: int) -> tuple[float, float, float, float]:
    """Return how often two classes are taken for each other.

    Args:
        counts: ``(C, C)``, samples of class i (row) that were taken for class j (column).
        first: a class that has samples.
        second: another one.

    Returns:
        Of the samples of both classes the share taken for the other one; the same of the first class alone and of the
        second alone; and the share of both that is taken for what it is.
    """
    sizes = counts[[first, second]].sum(1)
    swapped = counts[first, second], counts[second, first]
    right = counts[first, first] + counts[second, second]
    total = sizes.sum()
    return (
        float(sum(swapped) / total),
        float(swapped[0] / sizes[0]),
        float(swapped[1] / sizes[1]),
        float(right / total),
    )
