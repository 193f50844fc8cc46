"""What a corpus is: three splits of labelled samples that never overlap, and class names."""

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor

from datamodules.samples import ImageStore, InputStore, SampleSet

SplitName = Literal["train", "selection", "test"]
Modality = Literal["image", "text"]


class Split(Protocol):
    """Some labelled samples of a corpus, in memory."""

    @property
    def target(self) -> Tensor:
        """Class numbers, ``(N,)`` int64."""

    @property
    def source_index(self) -> Tensor:
        """Row of each sample in the corpus's own train or test file, ``(N,)`` int64."""

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Corpus(ABC):
    """A named and versioned set of labelled samples.

    Attributes:
        name: The file in this folder that loads it, for example ``cifar10``.
        version: Changes whenever inputs, labels or the rule that cuts the splits change.
        train: What a training set is made from.
        selection: For choosing hyper-parameters; scoring never reads it.
        test: For scoring; choosing never reads it.
        class_names: One name per class, in the order of the class numbers.
        source: Where the data was read from, for people; not part of the fingerprint.

    Raises:
        ValueError: If a target has no class name.
    """

    modality: ClassVar[Modality]

    name: str
    version: str
    train: Split
    selection: Split
    test: Split
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        for argument, split in self._splits:
            if len(split) and not 0 <= int(split.target.min()) <= int(split.target.max()) < self.num_classes:
                raise ValueError(
                    f"{type(self).__name__}({argument}=...): a target lies outside 0..{self.num_classes - 1}"
                )

    @property
    def _splits(self) -> tuple[tuple[SplitName, Split], ...]:
        return (("train", self.train), ("selection", self.selection), ("test", self.test))

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @abstractmethod
    def store(self, split: SplitName) -> InputStore:
        """The clean inputs of a split, as networks eat them."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 (hex) over inputs, labels, splits and class names, but not the source."""

    def samples(self, split: SplitName) -> SampleSet:
        """All clean samples of a split, with their labels."""
        target = dict(self._splits)[split].target
        return SampleSet(self.store(split), torch.arange(len(target)), target)


@dataclass(frozen=True, eq=False)
class ImageSplit:
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
                    f"ImageSplit({name}=...): expected {rank} dimensions of {dtype}, "
                    f"got shape {tuple(tensor.shape)} of {tensor.dtype}"
                )
            if len(tensor) != len(self.inputs):
                raise ValueError(f"ImageSplit({name}=...): {len(tensor)} rows, but inputs has {len(self.inputs)}")

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, eq=False)
class ImageCorpus(Corpus):
    """A corpus of images.

    Attributes:
        mean: Per channel, of ``inputs / 255``.
        std: Per channel, of ``inputs / 255``; ``(inputs / 255 - mean) / std`` is normalised space.

    Raises:
        ValueError: If ``mean`` or ``std`` do not have one value per channel, the splits differ in image
            shape, or a target has no class name.
    """

    modality = "image"

    train: ImageSplit
    selection: ImageSplit
    test: ImageSplit
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        channels = self.input_shape[0]
        for argument, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != channels:
                raise ValueError(
                    f"ImageCorpus({argument}={values}): expected one value for each of {channels} channels"
                )
        for argument, split in self._images:
            shape = tuple(split.inputs.shape[1:])
            if shape != self.input_shape:
                raise ValueError(f"ImageCorpus({argument}=...): images are {shape}, train's {self.input_shape}")
        super().__post_init__()

    @property
    def _images(self) -> tuple[tuple[SplitName, ImageSplit], ...]:
        return (("train", self.train), ("selection", self.selection), ("test", self.test))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one image, ``(C, H, W)``."""
        channels, height, width = self.train.inputs.shape[1:]
        return channels, height, width

    def store(self, split: SplitName) -> ImageStore:
        """The clean images of a split, fed in normalised space."""
        return ImageStore.clean(dict(self._images)[split].inputs, self.mean, self.std)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over pixels, labels, splits, class names, mean and std, but not the source."""
        header = [self.name, self.version, self.class_names, self.mean, self.std]
        digest = hashlib.sha256(json.dumps(header).encode())
        for name, split in self._images:
            digest.update(json.dumps([name, tuple(split.inputs.shape)]).encode())
            for tensor in (split.inputs, split.target, split.source_index):
                digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()
