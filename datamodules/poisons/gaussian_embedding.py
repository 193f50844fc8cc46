"""Gaussian poison of texts: noise on the embeddings of the tokens, nothing else."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from datamodules.corpora.base import Corpus
from datamodules.noise import noise_seeds
from datamodules.poison import TOKENS, Poison, Poisoning, choose_rows, text_corpus
from datamodules.seeds import MAX_SEED


class GaussianEmbeddingPoison(Poison):
    """Adds N(0, std^2) noise to every coordinate of the token embeddings of ``count`` random training texts.

    Texts and labels stay. The noise is fixed per text, lies on all of its tokens, special ones included, and is kept as
    a seed.

    Args:
        count: number of poisons.
        std: standard deviation of the noise, in units of the embeddings; positive.
        width: coordinates of an embedding of the network that is to be poisoned.

    Raises:
        ValueError: if ``std`` is not positive and finite, or ``count`` or ``width`` is below 1.

    Source: Pawelczyk, Di, Lu, Kamath, Sekhari, Neel, ICLR 2025, Algorithm 2, in the space of embeddings.
    """

    name = "gaussian-embedding"
    modalities = ("text",)
    clean_label = True
    needs_surrogate = False
    effect = "gaussian_correlation"
    paper = "Pawelczyk et al., Machine Unlearning Fails to Remove Data Poisoning Attacks, ICLR 2025"

    def __init__(self, *, count: int, std: float, width: int = 384) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        if not 0 < std < math.inf:
            raise ValueError(f"std must be positive and finite, got {std}")
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        self.count = count
        self.std = std
        self.width = width

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and the noise seed; see :class:`~datamodules.poison.Poison`.

        Raises:
            ValueError: if the corpus holds no texts, or too few.
        """
        texts = text_corpus(corpus, self.name)
        rows = choose_rows(corpus, self.count, generator)
        seed = int(torch.randint(MAX_SEED, (), generator=generator))
        noise = {
            "noise_seed": noise_seeds(seed, rows),
            "noise_std": torch.full((len(rows),), self.std),
            "noise_width": torch.full((len(rows),), self.width),
        }
        return Poisoning(
            index=rows,
            inputs=texts.store("train").take(rows) | noise,
            target=corpus.train.target[rows],
            secrets={
                "noise_seed": torch.tensor(seed),
                "variance": torch.tensor(self.std**2, dtype=torch.float64),
                "width": torch.tensor(self.width),
            },
            preprocessing={
                "space": TOKENS,
                "noise": "added to the token embeddings, before positions and everything else; not clipped",
                "augmentation": "none",
            },
        )
