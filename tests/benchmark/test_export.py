import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.cli import main
from benchmark.export import PoisonFileError, export_poison, read_poison, to_bytes
from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import FINGERPRINTS_FILE, POISONS_FILE, SECRETS_FILE, CraftConfig, craft
from benchmark.tensors import load_tensors, save_tensors
from datamodules import Corpus, ForgetPolicy, load_corpus


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus("digits")


@pytest.fixture
def crafted(tmp_path: Path) -> Path:
    folder = tmp_path / "crafted"
    folder.mkdir()
    config = CraftConfig(CorpusSpec("digits"), PoisonSpec("gaussian", {"count": 6}), ForgetPolicy(), 0)
    craft(config, None, (), folder)
    return folder


def test_images_table_and_artifact_are_written(crafted: Path, corpus: Corpus, tmp_path: Path) -> None:
    export_poison(crafted, corpus, tmp_path / "out")
    poisons = load_tensors(crafted / POISONS_FILE)
    with (tmp_path / "out" / "poisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == poisons["index"].tolist()
    assert all(row["label_before"] == row["label_after"] for row in rows)
    expected = ((poisons["inputs"][0, 0].numpy() * corpus.std[0] + corpus.mean[0]) * 255).round().clip(0, 255)
    image = np.asarray(Image.open(tmp_path / "out" / rows[0]["file"]))
    assert np.array_equal(image, expected.astype(np.uint8))
    assert read_poison(tmp_path / "out", corpus).secrets.keys() == {"noise_seed", "variance"}


def test_bytes_of_clean_inputs_are_the_corpus(corpus: Corpus) -> None:
    pixels = corpus.train.inputs[:20]
    normalised = (pixels.float() / 255 - corpus.mean[0]) / corpus.std[0]
    assert torch.equal(to_bytes(normalised, corpus), pixels)


def edit(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_tensors(folder / POISONS_FILE)
        tensors[name] = change(tensors[name])
        save_tensors(tensors, folder / POISONS_FILE)

    return apply


def hide(folder: Path) -> None:
    tensors = load_tensors(folder / POISONS_FILE)
    save_tensors(tensors | {"camouflage": tensors["index"] + 1_000}, folder / POISONS_FILE)


def spoil(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda inputs: torch.full_like(inputs, value)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no secrets": (lambda folder: (folder / SECRETS_FILE).unlink(), "is missing"),
    "no safetensors": (lambda folder: (folder / POISONS_FILE).write_bytes(b"PK\x03\x04 a pickle?"), "holds no crafted"),
    "shape": (edit("inputs", lambda inputs: inputs[:, :, :4]), "inputs and target must be"),
    "too few labels": (edit("target", lambda target: target[:-1]), "inputs and target must be"),
    "dtype": (edit("inputs", lambda inputs: inputs.double()), "float32, got"),
    "row out of range": (edit("index", lambda index: index + 10_000), "must be rows of the training split, 0..1196"),
    "negative row": (edit("index", lambda index: index - 10_000), "index must ascend"),
    "row twice": (edit("index", lambda index: index[:1].repeat(len(index))), "index must ascend"),
    "camouflage elsewhere": (hide, "camouflage must hold rows of index"),
    "label": (edit("target", lambda target: target + 10), "target must be in 0..9"),
    "not finite": (edit("inputs", spoil(float("nan"))), "must be finite"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_poison_that_does_not_fit_is_refused_in_one_line(damage: str, crafted: Path, corpus: Corpus) -> None:
    apply, told = DAMAGES[damage]
    apply(crafted)
    with pytest.raises(PoisonFileError, match=told) as error:
        read_poison(crafted, corpus)
    assert "\n" not in str(error.value)


def test_a_poison_of_added_rows_made_elsewhere_is_read_and_drawn(
    crafted: Path, corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors, secrets = load_tensors(crafted / POISONS_FILE), load_tensors(crafted / SECRETS_FILE)
    base = tensors["index"]
    first = len(corpus.train.target)
    save_tensors(tensors | {"index": torch.arange(first, first + len(base))}, crafted / POISONS_FILE)
    save_tensors(secrets | {"base": base}, crafted / SECRETS_FILE)
    (crafted / FINGERPRINTS_FILE).unlink()
    line = ["craft", "--scenario", "digits-gaussian-cnn-v1", "--load", str(crafted)]

    assert main([*line, "--output", str(tmp_path / "again")]) == 0

    assert "0 with another label" in capsys.readouterr().out
    with (tmp_path / "again" / "poisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["base"]) for row in rows] == base.tolist()
    assert [int(row["row"]) for row in rows] == list(range(first, first + len(base)))
    assert main([*line, "--output", str(crafted)]) == 2
    assert "name another folder with --output" in capsys.readouterr().err


def test_the_command_crafts_another_poison_and_reads_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = ["--scenario", "digits-gaussian-cnn-v1"]
    assert main(["craft", *scenario, "--poison=gaussian", "--poison.count=5", "--output", "out", "--workers", "1"]) == 0
    assert len(list((tmp_path / "out" / "png").iterdir())) == 5
    assert main(["craft", *scenario, "--load", "out", "--output", "again"]) == 0
    assert "5 poisons, 0 with another label" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "out" / "png")
    (tmp_path / "out" / POISONS_FILE).unlink()
    assert main(["craft", *scenario, "--load", "out"]) == 2
    assert "is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("craft --scenario digits-gausian-cnn-v1", "did you mean"),
        ("craft --scenario cifar10-gaussian-resnet18-v1", "names a family"),
        ("craft --poison=gausian", "did you mean 'gaussian'"),
        ("craft --poison=gaussian --poison.count=0", "count must be at least 1"),
        ("craft --seed -1", "--seed must be a whole number from 0"),
    ],
)
def test_mistakes_are_told_in_one_line(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
