"""Human label noise: labels that people got wrong on CIFAR-10, images as they are."""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import nn

from datamodules.corpora import cifar10n
from datamodules.corpora.base import Corpus
from datamodules.poison import NORMALISED, Poison, Poisoning

CORPUS = "cifar10"


class HumanLabelNoise(Poison):
    """Gives ``count`` training images the wrong label that a person gave them.

    They are drawn among the training images whose label by ``annotation`` is wrong, which holds for 40.2 % of CIFAR-10
    (``worst``), 17.2 to 18.1 % (``random1`` to ``random3``) or 9.0 % (``aggregate``). People take like for like, cats
    for dogs: unlike random flips such labels depend on the image.

    Args:
        count: number of poisons.
        annotation: ``random1``, ``random2`` or ``random3``: what one of three people said of each image;
            ``aggregate``: what most of the three said; ``worst``: something wrong that one of them said, where any did.

    Raises:
        ValueError: if ``count`` is below 1, or there is no such annotation.

    Source: Wei, Zhu, Cheng, Liu, Niu, Liu, ICLR 2022 (CIFAR-10N).
    """

    name = "human-label-noise"
    clean_label = False
    needs_surrogate = False
    effect = "test_error"
    paper = "Wei et al., Learning with Noisy Labels Revisited: A Study Using Real-World Human Annotations, ICLR 2022"

    def __init__(self, *, count: int, annotation: cifar10n.Annotation = "worst") -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        if annotation not in get_args(cifar10n.Annotation):
            allowed = ", ".join(get_args(cifar10n.Annotation))
            raise ValueError(f"annotation must be one of {allowed}, got {annotation!r}")
        self.count = count
        self.annotation = annotation

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and look their labels up; see :class:`Poison`.

        Raises:
            ValueError: if the corpus is not CIFAR-10, its labels are in another order, or ``count`` images with a wrong
                label are not in the training split.
            CorpusUnavailableError: if the human labels are not in the cache and no source has them.
        """
        if corpus.name != CORPUS:
            raise ValueError(f"corpus must be {CORPUS} for {self.name}, got {corpus.name}")
        rows = corpus.train.source_index
        true = corpus.train.target
        if not torch.equal(cifar10n.human_labels("true")[rows], true):
            raise ValueError(f"the labels of {cifar10n.NAME} are in another order than those of {corpus.name}")
        human = cifar10n.human_labels(self.annotation)[rows]
        wrong = (human != true).nonzero().squeeze(1)
        if self.count > len(wrong):
            raise ValueError(
                f"count must be in 1..{len(wrong)}, the wrong labels of annotation={self.annotation!r} in a training "
                f"split of {len(true)} samples, got {self.count}"
            )
        index = wrong[torch.randperm(len(wrong), generator=generator)[: self.count]].sort().values
        return Poisoning(
            index=index,
            inputs=corpus.store("train").take(index),
            target=human[index],
            preprocessing={
                "space": NORMALISED,
                "clipping": "images are clean",
                "augmentation": "as for every sample",
            },
        )
