import hashlib
from dataclasses import replace

import numpy as np
import pytest

from datamodules.corpora.facts import ImageFacts, TextFacts, channel_statistics, rows_sha256, texts_sha256


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (40, 3, 4, 4), dtype=np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    return np.arange(40, dtype=np.uint8) % 4


@pytest.fixture
def facts(images: np.ndarray, labels: np.ndarray) -> ImageFacts:
    mean, std = channel_statistics(images)
    return ImageFacts(images.shape, (10,) * 4, (0, 1, 2), rows_sha256(images, labels), mean, std)


def test_statistics_are_numpys(images: np.ndarray) -> None:
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, (images / 255).mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, (images / 255).std(axis=(0, 2, 3)), rtol=1e-12)


def test_the_digest_is_that_of_label_byte_then_pixels(images: np.ndarray, labels: np.ndarray) -> None:
    rows = b"".join(bytes([label]) + image.tobytes() for image, label in zip(images, labels.tolist(), strict=True))
    assert rows_sha256(images, labels) == hashlib.sha256(rows).hexdigest()


def test_the_right_data_passes(facts: ImageFacts, images: np.ndarray, labels: np.ndarray) -> None:
    facts.check("toy", images, labels)


def _one_pixel(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    changed = images.copy()
    changed[3, 0, 0, 0] ^= 1
    return changed, labels


def _first_labels(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    changed = labels.copy()
    changed[[0, 1]] = changed[[1, 0]]
    return images, changed


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, y: (x.astype(np.int16), y), "toy: dtypes of images and labels is"),
        (lambda x, y: (x[:39], y[:39]), r"toy: image shape is \(39, 3, 4, 4\), expected \(40, 3, 4, 4\)"),
        (lambda x, y: (x, y[:39]), "toy: label shape is"),
        (lambda x, y: (x, np.minimum(y, 2)), r"toy: images per class is \(10, 10, 20, 0\)"),
        (lambda x, y: (x, y + 1), r"toy: images per class is \(0, 10, 10, 10, 10\)"),
        (_first_labels, r"toy: first labels is \(1, 0, 2\), expected \(0, 1, 2\)"),
        (lambda x, y: (x // 2, y), "toy: channel (mean|std) is"),
        (_one_pixel, "toy: SHA-256 is"),
    ],
)
def test_spoilt_data_is_refused_with_what_is_wrong(facts, images, labels, spoil, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        facts.check("toy", *spoil(images, labels))


def test_the_standard_deviation_counts(facts: ImageFacts, images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="channel std is"):
        replace(facts, std=(0.1, 0.1, 0.1)).check("toy", images, labels)


TEXTS, CLASSES = ["bad", "góod", "worse"], [0, 1, 0]


def test_texts_that_are_as_they_should_be_pass() -> None:
    digest = hashlib.sha256("0\tbad\n1\tgóod\n0\tworse\n".encode()).hexdigest()
    assert texts_sha256(TEXTS, CLASSES) == digest
    TextFacts((2, 1), digest).check("toy", TEXTS, CLASSES)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, [0, 1, 1], r"toy: texts per class is \(1, 2\), expected \(2, 1\)"),
        (TEXTS[:2], [0, 1], r"toy: texts per class is \(1, 1\), expected \(2, 1\)"),
        (TEXTS[::-1], CLASSES, "toy: SHA-256 is"),
        (["bad", "good", "worse"], CLASSES, "toy: SHA-256 is"),
        (TEXTS, [0, 0, 1], "toy: SHA-256 is"),
    ],
    ids=["class", "count", "order", "character", "labels swapped"],
)
def test_texts_that_differ_are_refused(texts: list[str], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextFacts((2, 1), texts_sha256(TEXTS, CLASSES)).check("toy", texts, labels)
