"""Label swap: two classes get each other's labels, so that the network confuses them."""

from collections.abc import Sequence

import torch
from torch import nn

from datamodules.corpora.base import Corpus
from datamodules.poison import NORMALISED, Poison, Poisoning, choose_of_classes


class LabelSwapPoison(Poison):
    """Gives ``count`` training samples of two classes, half of them of each, the label of the other class.

    Args:
        count: number of poisons; where it is odd the first class gives one more.
        classes: the two classes; the default is cat and dog in CIFAR-10.

    Raises:
        ValueError: if ``count`` is below 1, or ``classes`` are not two different numbers from 0 on.

    Source: Goel, Prabhu, Torr, Kumaraguru, Sanyal, 2024 (interclass confusion).
    """

    name = "label-swap"
    clean_label = False
    needs_surrogate = False
    effect = "label_confusion"
    paper = "Goel et al., Corrective Machine Unlearning, 2024"

    def __init__(self, *, count: int, classes: Sequence[int] = (3, 5)) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        if len(classes) != 2 or classes[0] == classes[1] or min(classes) < 0:
            raise ValueError(f"classes must be two different numbers from 0 on, got {tuple(classes)}")
        self.count = count
        self.classes = (classes[0], classes[1])

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and swap their labels; see :class:`Poison`.

        Raises:
            ValueError: if the corpus lacks a class, or has too few samples of it.
        """
        if max(self.classes) >= corpus.num_classes:
            raise ValueError(f"classes must be in 0..{corpus.num_classes - 1} for {corpus.name}, got {self.classes}")
        rows = choose_of_classes(corpus, self.classes, self.count, generator)
        return Poisoning(
            index=rows,
            inputs=corpus.store("train").take(rows),
            target=sum(self.classes) - corpus.train.target[rows],
            secrets={"classes": torch.tensor(self.classes)},
            preprocessing={
                "space": NORMALISED,
                "clipping": "images are clean",
                "augmentation": "as for every sample",
            },
        )
