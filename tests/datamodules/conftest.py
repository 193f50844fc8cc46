"""Corpora of random pixels, small enough to look at every number."""

import pytest
import torch

from datamodules import ImageCorpus, ImageSplit


def _corpus(train: int = 40, channels: int = 2, side: int = 4, seed: int = 0) -> ImageCorpus:
    generator = torch.Generator().manual_seed(seed)

    def split(count: int) -> ImageSplit:
        pixels = torch.randint(256, (count, channels, side, side), generator=generator).to(torch.uint8)
        return ImageSplit(pixels, torch.randint(3, (count,), generator=generator), torch.arange(count))

    return ImageCorpus(
        name="random",
        version="1",
        train=split(train),
        selection=split(7),
        test=split(9),
        class_names=("a", "b", "c"),
        mean=(0.5, 0.3, 0.4)[:channels],
        std=(0.25, 0.2, 0.3)[:channels],
        source="this test",
    )


@pytest.fixture
def make_corpus():
    return _corpus


@pytest.fixture
def corpus() -> ImageCorpus:
    return _corpus()
