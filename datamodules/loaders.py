"""Loaders that cut a set in memory into batches, shuffled and augmented a whole batch at a time."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from datamodules.batch import Batch, Inputs
from datamodules.samples import SampleSet
from datamodules.seeds import derive_seed

POOL = 16
"""Batches among whose samples those of like length are brought together."""

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

    Samples of different lengths share a batch with alike ones, so that little is padded: out of every
    ``POOL`` batches' worth of shuffled samples, batches are cut in the order of length and shuffled again.
    The last, smaller batch holds what the shuffle left over.

    Args:
        samples: the set; batches come out on the device on which it lies.
        batch_size: samples per batch, at least 1.
        seed: seed of order and augmentation; None keeps the order of the set, or puts samples of different lengths in
            the order of length, and allows no augmentation.
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
        lengths = self.samples.store.lengths(self.samples.index)
        if self.seed is None:
            return torch.arange(len(self.samples)) if lengths is None else lengths.cpu().argsort(stable=True)
        generator = torch.Generator().manual_seed(derive_seed("order", self.seed, epoch, repeat))
        order = torch.randperm(len(self.samples), generator=generator)
        return order if lengths is None else self._bucketed(order, lengths.cpu(), generator)

    def _bucketed(self, order: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        whole = len(order) - len(order) % self.batch_size
        parts = []
        for pool in torch.split(order[:whole], POOL * self.batch_size):
            batches = pool[lengths[pool].argsort(stable=True)].view(-1, self.batch_size)
            parts.append(batches[torch.randperm(len(batches), generator=generator)].flatten())
        return torch.cat([*parts, order[whole:]])

    def __iter__(self) -> Iterator[Batch]:
        device = self.samples.index.device
        order = self.order(self.epoch, self.repeat).to(device)
        generator = torch.Generator(device)
        if self.seed is not None:
            generator.manual_seed(derive_seed("augment", self.seed, self.epoch, self.repeat))
        for start in range(0, len(order), self.batch_size):
            batch = self.samples.batch(order[start : start + self.batch_size])
            yield (batch if self.augment is None else batch._replace(inputs=self.augment(batch.inputs, generator)))
