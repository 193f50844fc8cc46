"""The small world in which methods are checked: digits, a briefly trained network, and a forget set of poisons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn

from datamodules import BatchLoader, ImageStore, SampleSet, generator_for, load_corpus
from lightning_modules import NetworkSpec, build_network, training_loss

FORGET, RETAIN = 21, 101  # both leave a last batch that is not full
NETWORK = NetworkSpec("small-cnn", 10, 1, {"width": 8, "strides": (1, 1, 2, 1, 1)})


@dataclass(frozen=True)
class Setting:
    """An unlearning request on a small network.

    Attributes:
        network: what is unlearned; runs get copies.
        forget: what was asked to be deleted.
        retain: what stays; in the same store.
        batch_size: samples of the retain set per batch.
        forget_batch_size: samples of the forget set per batch.
    """

    network: nn.Module
    forget: SampleSet
    retain: SampleSet
    batch_size: int = 32
    forget_batch_size: int = 8

    def serving(self, rows: Tensor) -> "Setting":
        """Return this setting with other inputs and other labels in ``rows`` of the store, and only there."""
        everything = joined_set(self.forget, self.retain)
        position = torch.searchsorted(everything.index, rows)
        inputs = everything.store.take(everything.index)
        inputs[position] = torch.randn(inputs[position].shape, generator=generator_for("other inputs"))
        target = everything.target.clone()
        target[position] = (target[position] + 1) % (int(target.max()) + 1)
        everything = fed_set(inputs, target)
        forget = torch.searchsorted(joined_set(self.forget, self.retain).index, self.forget.index)
        stays = torch.ones(len(target), dtype=torch.bool)
        stays[forget] = False
        return replace(self, forget=everything.subset(forget), retain=everything.subset(stays.nonzero().squeeze(1)))
