"""What is known of a corpus beforehand, to check what a source delivered."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_CHUNK = 5_000  # images looked at together


@dataclass(frozen=True)
class ImageFacts:
    """Facts about one file (training or test) of an image corpus.

    Attributes:
        shape: Of the images, ``(N, C, H, W)``.
        per_class: How many images each class has, in the order of the class numbers.
        first_labels: The first class numbers.
        sha256: Over the rows, each a label byte and then its pixels, channel by channel.
        mean: Per channel, of pixels / 255; None to leave it.
        std: Per channel, of pixels / 255; None to leave it.
    """

    shape: tuple[int, int, int, int]
    per_class: tuple[int, ...]
    first_labels: tuple[int, ...]
    sha256: str
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def check(self, what: str, images: Bytes, labels: Bytes) -> None:
        """Compare decoded data with the facts, coarse ones first so that the message says what is wrong.

        Args:
            what: What to call the data in messages.
            images: ``(N, C, H, W)`` uint8.
            labels: ``(N,)`` uint8.

        Raises:
            ValueError: If anything differs: the dtype, the shape, the class counts, the first labels, a
                channel's mean or standard deviation by more than 1e-4, or any byte.
        """
        dtypes = (str(images.dtype), str(labels.dtype))
        _compare(f"{what}: dtypes of images and labels", dtypes, ("uint8", "uint8"))
        _compare(f"{what}: image shape", images.shape, self.shape)
        _compare(f"{what}: label shape", labels.shape, self.shape[:1])
        counts = np.bincount(labels, minlength=len(self.per_class))
        _compare(f"{what}: images per class", tuple(counts.tolist()), self.per_class)
        _compare(f"{what}: first labels", tuple(labels[: len(self.first_labels)].tolist()), self.first_labels)
        mean, std = channel_statistics(images)
        for name, found, wanted in (("mean", mean, self.mean), ("std", std, self.std)):
            if wanted is not None and not np.allclose(found, wanted, rtol=0, atol=1e-4):
                raise ValueError(f"{what}: channel {name} is {found}, expected {wanted} within 1e-4")
        _compare(f"{what}: SHA-256", rows_sha256(images, labels), self.sha256)


def _compare(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ValueError(f"{what} is {found}, expected {wanted}")


def _chunks(images: Bytes) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, len(images), _CHUNK))


def channel_statistics(images: Bytes) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and (population) standard deviation of pixels / 255, per channel of ``(N, C, H, W)`` uint8."""
    levels = np.arange(256) / 255
    mean, std = [], []
    for channel in range(images.shape[1]):
        counts = sum(np.bincount(images[rows, channel].ravel(), minlength=256) for rows in _chunks(images))
        share = counts / np.sum(counts)
        mean.append(float(share @ levels))
        std.append(float(np.sqrt(share @ (levels - mean[-1]) ** 2)))
    return tuple(mean), tuple(std)


def rows_sha256(images: Bytes, labels: Bytes) -> str:
    """SHA-256 (hex) over the rows, each a label byte and then its pixels, as in CIFAR-10's binary version."""
    digest = hashlib.sha256()
    for rows in _chunks(images):
        part = images[rows].reshape(len(images[rows]), -1)
        digest.update(np.concatenate([labels[rows, None], part], axis=1).tobytes())
    return digest.hexdigest()
