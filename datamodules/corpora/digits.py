"""Digits: 1,797 handwritten digits of 8 x 8 grey pixels, shipped inside scikit-learn.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998; scikit-learn ships its test part.
"""

from pathlib import Path

import numpy as np
import torch

from datamodules.corpora.base import ImageCorpus, ImageSplit
from datamodules.corpora.facts import ImageFacts
from datamodules.corpora.splits import cut_order, stratified_order

NAME, VERSION = "digits", "1"
CLASS_NAMES = tuple("0123456789")
TEST_SIZE, DEFAULT_SELECTION = 400, 200
SEED = 0  # of the order in which images go to the splits
FACTS = ImageFacts(
    shape=(1797, 1, 8, 8),
    per_class=(178, 182, 177, 183, 181, 182, 181, 179, 174, 180),
    first_labels=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    sha256="bd55ad3b457140f7e825aff00e9a57673a06eeb3d6574a3059b81aac3a82cffc",
)
MEAN = (0.304775,)  # of the 1,197 images that are training images by default, rounded to six digits
STD = (0.375423,)


def load(
    *,
    train_size: int | None = None,
    selection_size: int | None = None,
    cache: Path | None = None,  # noqa: ARG001
) -> ImageCorpus:
    """Load digits.

    The original grey levels 0..16 become ``round(level * 255 / 16)``. A fixed order, in which every stretch
    holds the classes in nearly equal parts, is cut into test (the first 400 images), train (the next
    `train_size`) and selection (the last `selection_size`), so that a split does not depend on the size of
    another. Mean and std are those of the 1,197 images that train holds by default.

    Args:
        train_size: 1..(1,397 - selection_size), or None for all of these.
        selection_size: 1..1,396; None means 200.
        cache: Unused: nothing is fetched.

    Returns:
        Inputs ``(N, 1, 8, 8)`` uint8; `source_index` is the row in ``sklearn.datasets.load_digits()``.

    Raises:
        ValueError: If a size is out of range, or scikit-learn ships other data than these.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import

    wanted = DEFAULT_SELECTION if selection_size is None else selection_size
    cut = cut_order(FACTS.shape[0], test_size=TEST_SIZE, train_size=train_size, selection_size=wanted)

    levels, labels = load_digits(return_X_y=True)
    images = np.round(levels * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    FACTS.check(NAME, images, labels.astype(np.uint8))
    order = stratified_order(labels.tolist(), SEED)

    def split(places: range) -> ImageSplit:
        rows = order[places.start : places.stop]
        return ImageSplit(torch.from_numpy(images[rows]), torch.tensor(labels[rows]).long(), torch.tensor(rows))

    return ImageCorpus(
        name=NAME,
        version=VERSION,
        train=split(cut.train),
        selection=split(cut.selection),
        test=split(cut.test),
        class_names=CLASS_NAMES,
        mean=MEAN,
        std=STD,
        source="scikit-learn (shipped inside the package)",
    )
