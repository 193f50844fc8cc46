"""Gaussian poison: noise on the inputs, nothing else; whoever knows the noise can tell whether a model saw it."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from datamodules.corpora.base import Corpus
from datamodules.noise import gaussian_noise
from datamodules.poison import NORMALISED, Poison, Poisoning, choose_rows, image_corpus
from datamodules.seeds import MAX_SEED


class GaussianPoison(Poison):
    """Adds N(0, variance) noise to every coordinate of ``count`` randomly chosen training samples; labels stay.

    The noise is added in normalised space, before any augmentation, fixed per sample, and not clipped to the valid
    pixel range: clipping would break the exact N(0, 1) null of the audit.

    Args:
        count: number of poisons.
        variance: the paper's epsilon squared; positive.

    Raises:
        ValueError: if ``variance`` is not positive and finite, or ``count`` is below 1.

    Source: Pawelczyk, Di, Lu, Kamath, Sekhari, Neel, ICLR 2025, Algorithm 2.
    """

    name = "gaussian"
    clean_label = True
    needs_surrogate = False
    effect = "gaussian_correlation"
    paper = "Pawelczyk et al., Machine Unlearning Fails to Remove Data Poisoning Attacks, ICLR 2025"

    def __init__(self, *, count: int, variance: float = 0.32) -> None:
        if not 0 < variance < math.inf:
            raise ValueError(f"variance must be positive and finite, got {variance}")
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count
        self.variance = variance

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and the noise seed; see :class:`Poison`."""
        rows = choose_rows(corpus, self.count, generator)
        seed = int(torch.randint(MAX_SEED, (), generator=generator))
        base = image_corpus(corpus, self.name).store("train").take(rows)
        noise = gaussian_noise(seed, rows, tuple(base.shape[1:]), self.variance)
        return Poisoning(
            index=rows,
            inputs=base + noise,
            target=corpus.train.target[rows],
            secrets={
                "noise_seed": torch.tensor(seed),
                "variance": torch.tensor(self.variance, dtype=torch.float64),
            },
            preprocessing={
                "space": NORMALISED,
                "clipping": "none",
                "augmentation": "noise is added before augmentation",
            },
        )
