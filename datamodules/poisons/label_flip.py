"""Label flip: wrong labels at random, images as they are."""

from collections.abc import Sequence

import torch
from torch import nn

from datamodules.corpora.base import Corpus
from datamodules.poison import NORMALISED, Poison, Poisoning, choose_rows


class LabelFlipPoison(Poison):
    """Gives ``count`` randomly chosen training samples a label drawn uniformly among the other classes.

    Args:
        count: number of poisons.

    Raises:
        ValueError: if ``count`` is below 1.

    Source: Natarajan, Dhillon, Ravikumar, Tewari, NeurIPS 2013 (symmetric label noise).
    """

    name = "label-flip"
    clean_label = False
    needs_surrogate = False
    effect = "test_error"
    paper = "Natarajan et al., Learning with Noisy Labels, NeurIPS 2013"

    def __init__(self, *, count: int) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and their labels; see :class:`Poison`.

        Raises:
            ValueError: if the corpus has one class only, or too few samples.
        """
        if corpus.num_classes < 2:
            raise ValueError(f"a label flip needs two classes, {corpus.name} has {corpus.num_classes}")
        rows = choose_rows(corpus, self.count, generator)
        further = torch.randint(1, corpus.num_classes, (len(rows),), generator=generator)
        return Poisoning(
            index=rows,
            inputs=corpus.store("train").take(rows),
            target=(corpus.train.target[rows] + further) % corpus.num_classes,
            preprocessing={
                "space": NORMALISED,
                "clipping": "images are clean",
                "augmentation": "as for every sample",
            },
        )
