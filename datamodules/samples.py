"""Sets of samples held in memory: a view on a corpus in which some rows may be replaced."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from datamodules.batch import Batch, Inputs


class InputStore(Protocol):
    """Holds the inputs of every row of a training set and hands out whole batches of them."""

    def take(self, rows: Tensor) -> Inputs:
        """Return the inputs of ``rows`` ``(N,)`` int64 as a network eats them."""
        ...

    def replace(self, rows: Tensor, values: Inputs) -> Self:
        """Return a store in which ``rows`` feed ``values``; what they fed before is not in it any more.

        Whoever is handed a poisoned set must not find the clean base samples behind it. Rows beyond the last one, which
        follow it without a gap, are added.
        """
        ...

    def lengths(self, rows: Tensor) -> Tensor | None:
        """Return the lengths ``(N,)`` of ``rows``, so that alike ones can share a batch; None where all are equal."""
        ...

    def to(self, device: torch.device) -> Self:
        """Return the same store on ``device``."""
        ...

    def digest(self, rows: Tensor) -> bytes:
        """Return a hash of the content of ``rows``."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class ImageStore:
    """Images as bytes, normalised when taken; replaced rows are kept as they are fed, in normalised space.

    They lie, and come out, in channels-last order, in which convolutions are fastest.

    Attributes:
        pixels: ``(N, C, H, W)`` uint8.
        mean: ``(C,)`` float32, channel means in [0, 1] pixel units.
        std: ``(C,)`` float32, channel standard deviations in [0, 1] pixel units.
        replaced_rows: ``(P,)`` int64, rows whose pixels are not used.
        replaced_values: ``(P, C, H, W)`` float32 in normalised space.
    """

    pixels: Tensor
    mean: Tensor
    std: Tensor
    replaced_rows: Tensor
    replaced_values: Tensor
    _slot: Tensor = field(init=False, repr=False)
    _scale: Tensor = field(init=False, repr=False)
    _shift: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", self.pixels.contiguous(memory_format=torch.channels_last))
        slot = torch.full((len(self.pixels),), -1, dtype=torch.int64, device=self.pixels.device)
        slot[self.replaced_rows] = torch.arange(len(self.replaced_rows), device=self.pixels.device)
        object.__setattr__(self, "_slot", slot)
        object.__setattr__(self, "_scale", (1 / (255 * self.std)).view(1, -1, 1, 1))
        object.__setattr__(self, "_shift", (-self.mean / self.std).view(1, -1, 1, 1))

    @classmethod
    def clean(cls, pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> "ImageStore":
        """Return a store in which nothing is replaced."""
        rows = torch.empty(0, dtype=torch.int64)
        values = torch.empty(0, *pixels.shape[1:])
        return cls(pixels, torch.tensor(mean), torch.tensor(std), rows, values)

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: Tensor) -> Tensor:
        """Return ``(N, C, H, W)`` float32 in normalised space."""
        out = torch.addcmul(self._shift, self.pixels[rows], self._scale)
        if len(self.replaced_rows):
            slot = self._slot[rows]
            here = (slot >= 0).nonzero().squeeze(1)
            out[here] = self.replaced_values[slot[here]]
        return out

    def replace(self, rows: Tensor, values: Inputs) -> "ImageStore":
        """Return a store in which ``rows`` feed ``values``, ``(P, C, H, W)`` in normalised space.

        Raises:
            TypeError: if ``values`` are no images.
        """
        if not isinstance(values, Tensor):
            raise TypeError("an ImageStore takes images, got inputs of another modality")
        added = max(0, int(rows.max()) + 1 - len(self)) if len(rows) else 0
        pixels = torch.cat([self.pixels, self.pixels.new_zeros(added, *self.pixels.shape[1:])])
        pixels[rows] = 0
        return replace(self, pixels=pixels, replaced_rows=rows, replaced_values=values.to(torch.float32))

    def lengths(self, rows: Tensor) -> None:
        """Return None: images are of one size."""

    def to(self, device: torch.device) -> "ImageStore":
        """Return the same store on ``device``."""
        return ImageStore(
            self.pixels.to(device),
            self.mean.to(device),
            self.std.to(device),
            self.replaced_rows.to(device),
            self.replaced_values.to(device),
        )

    def digest(self, rows: Tensor) -> bytes:
        """Return a SHA-256 over pixels, normalisation and replaced values of ``rows``, in their order."""
        hasher = hashlib.sha256()
        for tensor in (self.mean, self.std, self.pixels[rows]):
            hasher.update(tensor.contiguous().cpu().numpy().tobytes())
        slot = self._slot[rows]
        here = (slot >= 0).nonzero().squeeze(1)
        hasher.update(here.cpu().numpy().tobytes())
        hasher.update(self.replaced_values[slot[here]].contiguous().cpu().numpy().tobytes())
        return hasher.digest()


@dataclass(frozen=True)
class SampleSet:
    """Some rows of a training set, with their labels.

    Attributes:
        store: the inputs of all rows of the training set.
        index: ``(N,)`` int64, rows of the store that belong to this set.
        target: ``(N,)`` int64, their labels.
    """

    store: InputStore
    index: Tensor
    target: Tensor

    def __len__(self) -> int:
        return len(self.index)

    def batch(self, positions: Tensor) -> Batch:
        """Return the samples at ``positions`` ``(B,)`` of this set."""
        index = self.index[positions]
        return Batch(self.store.take(index), self.target[positions], index)

    def subset(self, positions: Tensor) -> "SampleSet":
        """Return the set made of the samples at ``positions``, in that order."""
        return SampleSet(self.store, self.index[positions], self.target[positions])

    def to(self, device: torch.device) -> "SampleSet":
        """Return the same set on ``device``."""
        return SampleSet(self.store.to(device), self.index.to(device), self.target.to(device))

    def fingerprint(self) -> str:
        """Return a SHA-256 (hex) over inputs, labels and rows: equal for sets that train the same network."""
        hasher = hashlib.sha256(self.store.digest(self.index))
        for tensor in (self.target, self.index):
            hasher.update(tensor.contiguous().cpu().numpy().tobytes())
        return hasher.hexdigest()
