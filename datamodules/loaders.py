"""Loaders that cut a set in memory into batches, shuffled and augmented a whole batch at a time."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from datamodules.batch import Batch, Inputs
from datamodules.samples import SampleSet
from datamodules.seeds import derive_seed

Augmentation = Callable[[Inputs, torch.Generator], Inputs]


def evaluation_batch_size() -> int:
    """Return how many samples to evaluate at once: few enough for a processor's cache, enough to fill a GPU."""
    return 1024 if torch.cuda.is_available() else 128


class EpochAware:
    """Knows which epoch it serves; Lightning finds ``set_epoch`` where it looks for it on a ``DataLoader``."""

    epoch: int = 0
    repeat: int = 0
    batch_sampler: None = None

    @property
    def sampler(self) -> "EpochAware":
        """Return the loader itself, which has ``set_epoch``."""
        return self

    def set_epoch(self, epoch: int, repeat: int = 0) -> None:
        """Name the epoch that the next iteration serves, and which of several passes within it."""
        self.epoch = epoch
        self.repeat = repeat


class BatchLoader(EpochAware):
    """Iterates over a :class:`SampleSet`; every iteration is one epoch, the one named by ``set_epoch``.

    An epoch is a pure function of ``(seed, epoch, repeat)``: the order is drawn on the CPU from its own generator, so
    that it is the same on every device and whatever else was drawn before. The last, smaller batch is kept.

    Args:
        samples: the set; batches come out on the device on which it lies.
        batch_size: samples per batch, at least 1.
        seed: seed of order and augmentation; None keeps the order of the set and allows no augmentation.
        augment: applied to the inputs of each batch, after noise of a poison and never to an audit.

    Raises:
        ValueError: if ``batch_size`` is below 1, the set is empty, or augmentation is asked for without a seed.
    """

    def __init__(
        self,
        samples: SampleSet,
        batch_size: int,
        *,
        seed: int | None = None,
        augment: Augmentation | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if len(samples) == 0:
            raise ValueError("samples must hold at least one sample, got an empty set")
        if augment is not None and seed is None:
            raise ValueError("augment draws at random and needs a seed, got seed=None")
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.augment = augment

    def __len__(self) -> int:
        return (len(self.samples) + self.batch_size - 1) // self.batch_size

    def sizes(self) -> list[int]:
        """Return the number of samples of each batch of an epoch."""
        total = len(self.samples)
        return [min(self.batch_size, total - start) for start in range(0, total, self.batch_size)]

    def order(self, epoch: int, repeat: int = 0) -> Tensor:
        """Return the positions of the set in the order of ``epoch``, drawn anew for each ``repeat`` of it."""
        if self.seed is None:
            return torch.arange(len(self.samples))
        generator = torch.Generator().manual_seed(derive_seed("order", self.seed, epoch, repeat))
        return torch.randperm(len(self.samples), generator=generator)

    def __iter__(self) -> Iterator[Batch]:
        device = self.samples.index.device
        order = self.order(self.epoch, self.repeat).to(device)
        generator = torch.Generator(device)
        if self.seed is not None:
            generator.manual_seed(derive_seed("augment", self.seed, self.epoch, self.repeat))
        for start in range(0, len(order), self.batch_size):
            batch = self.samples.batch(order[start : start + self.batch_size])
            yield (batch if self.augment is None else batch._replace(inputs=self.augment(batch.inputs, generator)))
