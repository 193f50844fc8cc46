"""What is known of a corpus beforehand, to check what a source delivered."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
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
        compare(f"{what}: dtypes of images and labels", dtypes, ("uint8", "uint8"))
        compare(f"{what}: image shape", images.shape, self.shape)
        compare(f"{what}: label shape", labels.shape, self.shape[:1])
        counts = np.bincount(labels, minlength=len(self.per_class))
        compare(f"{what}: images per class", tuple(counts.tolist()), self.per_class)
        compare(f"{what}: first labels", tuple(labels[: len(self.first_labels)].tolist()), self.first_labels)
        mean, std = channel_statistics(images)
        for name, found, wanted in (("mean", mean, self.mean), ("std", std, self.std)):
            if wanted is not None and not np.allclose(found, wanted, rtol=0, atol=1e-4):
                raise ValueError(f"{what}: channel {name} is {found}, expected {wanted} within 1e-4")
        compare(f"{what}: SHA-256", rows_sha256(images, labels), self.sha256)


@dataclass(frozen=True)
class TextFacts:
    """Facts about one file of a text corpus.

    Attributes:
        per_class: How many texts each class has, in the order of the class numbers.
        sha256: See `texts_sha256`.
    """

    per_class: tuple[int, ...]
    sha256: str

    def check(self, what: str, texts: Sequence[str], labels: Sequence[int]) -> None:
        """Compare decoded data with the facts.

        Raises:
            ValueError: If the class counts, or any character or label, differ.
        """
        counts = Counter(labels)
        compare(f"{what}: texts per class", tuple(counts[label] for label in sorted(counts)), self.per_class)
        compare(f"{what}: SHA-256", texts_sha256(texts, labels), self.sha256)


def texts_sha256(texts: Sequence[str], labels: Sequence[int]) -> str:
    """SHA-256 (hex) over the rows, each a label, a tab, the text without line breaks in UTF-8, and a line feed."""
    digest = hashlib.sha256()
    for text, label in zip(texts, labels, strict=True):
        digest.update(f"{label}\t{text}\n".encode())
    return digest.hexdigest()


def compare(what: str, found: object, wanted: object) -> None:
    """Refuse what is not as it should be.

    Raises:
        ValueError: If `found` is not `wanted`.
    """
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
