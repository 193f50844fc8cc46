"""What a corpus is: three splits that never overlap, class names, and the numbers that normalise a pixel."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Split:
    """Some images of a corpus, in memory.

    Attributes:
        inputs: Pixels, ``(N, C, H, W)`` uint8, 0..255.
        target: Class numbers, ``(N,)`` int64.
        source_index: Row of each image in the corpus's own train or test file, ``(N,)`` int64.

    Raises:
        ValueError: If a tensor has another dtype or rank, or the three differ in length.
    """

    inputs: Tensor
    target: Tensor
    source_index: Tensor

    def __post_init__(self) -> None:
        wanted = {"inputs": (torch.uint8, 4), "target": (torch.int64, 1), "source_index": (torch.int64, 1)}
        for name, (dtype, rank) in wanted.items():
            tensor: Tensor = getattr(self, name)
            if tensor.dtype != dtype or tensor.ndim != rank:
                raise ValueError(
                    f"Split({name}=...): expected {rank} dimensions of {dtype}, "
                    f"got shape {tuple(tensor.shape)} of {tensor.dtype}"
                )
            if len(tensor) != len(self.inputs):
                raise ValueError(f"Split({name}=...): {len(tensor)} rows, but inputs has {len(self.inputs)}")

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, eq=False)
class Corpus:
    """A named and versioned set of labelled images.

    Attributes:
        name: The file in this folder that loads it, for example ``cifar10``.
        version: Changes whenever pixels, labels or the rule that cuts the splits change.
        train: What a training set is made from.
        selection: For choosing hyper-parameters; scoring never reads it.
        test: For scoring; choosing never reads it.
        class_names: One name per class, in the order of the class numbers.
        mean: Per channel, of ``inputs / 255``.
        std: Per channel, of ``inputs / 255``; ``(inputs / 255 - mean) / std`` is normalised space.
        source: Where the data was read from, for people; not part of the fingerprint.

    Raises:
        ValueError: If ``mean`` or ``std`` do not have one value per channel, the splits differ in image
            shape, or a target has no class name.
    """

    name: str
    version: str
    train: Split
    selection: Split
    test: Split
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str

    def __post_init__(self) -> None:
        channels = self.input_shape[0]
        for argument, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != channels:
                raise ValueError(f"Corpus({argument}={values}): expected one value for each of {channels} channels")
        for argument, split in self._splits:
            shape = tuple(split.inputs.shape[1:])
            if shape != self.input_shape:
                raise ValueError(f"Corpus({argument}=...): images are {shape}, train's {self.input_shape}")
            if len(split) and not 0 <= int(split.target.min()) <= int(split.target.max()) < self.num_classes:
                raise ValueError(f"Corpus({argument}=...): a target lies outside 0..{self.num_classes - 1}")

    @property
    def _splits(self) -> tuple[tuple[str, Split], ...]:
        return (("train", self.train), ("selection", self.selection), ("test", self.test))

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one image, ``(C, H, W)``."""
        channels, height, width = self.train.inputs.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over pixels, labels, splits, class names, mean and std, but not the source."""
        header = [self.name, self.version, self.class_names, self.mean, self.std]
        digest = hashlib.sha256(json.dumps(header).encode())
        for name, split in self._splits:
            digest.update(json.dumps([name, tuple(split.inputs.shape)]).encode())
            for tensor in (split.inputs, split.target, split.source_index):
                digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()
