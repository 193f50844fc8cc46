import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.export import PoisonFileError, export_poison, read_poison
from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import POISONS_FILE, CraftConfig, craft
from benchmark.tensors import load_tensors, save_tensors
from datamodules import Corpus, ForgetPolicy, TextCorpus, load_corpus

SPEC = CorpusSpec("grammar", train_size=60, selection_size=10, options={"test_size": 20})


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return SPEC.load()


def crafted(tmp_path: Path, poison: str, options: dict[str, int | float]) -> Path:
    folder = tmp_path / "crafted"
    folder.mkdir()
    craft(CraftConfig(SPEC, PoisonSpec(poison, options), ForgetPolicy(), 0), None, (), folder)
    return folder


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    return crafted(tmp_path, "gaussian-embedding", {"count": 6, "std": 0.5, "width": 4})


def test_table_and_artifact_are_written(tmp_path: Path, corpus: TextCorpus) -> None:
    folder = crafted(tmp_path, "trigger-phrase", {"count": 6})
    export_poison(folder, corpus, tmp_path / "out")
    with (tmp_path / "out" / "poisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == load_tensors(folder / POISONS_FILE)["index"].tolist()
    assert [row["text_before"] for row in rows] == [corpus.train.texts[int(row["base"])] for row in rows]
    assert [row["text_after"] for row in rows] == [f"james bond {row['text_before']}" for row in rows]
    assert {row["label_before"] for row in rows} == {"negative", "positive"}
    assert {row["label_after"] for row in rows} == {"positive"}
    assert not (tmp_path / "out" / "png").exists()
    again = read_poison(tmp_path / "out", corpus)
    assert bytes(again.secrets["phrase"].tolist()) == b"James Bond"


def test_noise_is_read_back(noisy: Path, corpus: Corpus) -> None:
    poisoning = read_poison(noisy, corpus)
    assert isinstance(poisoning.inputs, dict)
    assert poisoning.inputs["noise_std"].tolist() == [0.5] * 6


def edit(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_tensors(folder / POISONS_FILE)
        tensors[name] = change(tensors[name])
        save_tensors(tensors, folder / POISONS_FILE)

    return apply


def drop(name: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_tensors(folder / POISONS_FILE)
        save_tensors({key: value for key, value in tensors.items() if key != name}, folder / POISONS_FILE)

    return apply


def images(folder: Path) -> None:
    tensors = load_tensors(folder / POISONS_FILE)
    save_tensors({"index": tensors["index"], "target": tensors["target"], "inputs": torch.zeros(6, 1, 8, 8)},
                 folder / POISONS_FILE)  # fmt: skip


IDS, MASK = "inputs.input_ids", "inputs.attention_mask"
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "images": (images, "inputs must be tokens"),
    "no tokens": (drop(IDS), "inputs must be tokens"),
    "no mask": (drop(MASK), "values must be"),
    "no seeds": (drop("inputs.noise_seed"), "values must be"),
    "too few labels": (edit("target", lambda target: target[:-1]), r"of one length, got \[5, 6\]"),
    "dtype": (edit(IDS, lambda ids: ids.int()), "must be int64"),
    "unknown token": (edit(IDS, lambda ids: ids + 1000), "input_ids must be at most 32 tokens in 0"),
    "too long": (edit(IDS, lambda ids: ids.repeat(1, 9)), "must be at most 32 tokens"),
    "padding on the left": (edit(MASK, lambda mask: 1 - mask), "padding goes on the right"),
    "no noise": (edit("inputs.noise_std", torch.zeros_like), "noise_std must be positive"),
    "label": (edit("target", lambda target: target + 10), "target must be in 0..1"),
    "row out of range": (edit("index", lambda index: index + 1000), "rows of the training split, 0..59"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_poison_that_does_not_fit_is_refused_in_one_line(damage: str, noisy: Path, corpus: Corpus) -> None:
    apply, told = DAMAGES[damage]
    apply(noisy)
    with pytest.raises(PoisonFileError, match=told) as error:
        read_poison(noisy, corpus)
    assert "\n" not in str(error.value)


def test_texts_do_not_fit_images(noisy: Path) -> None:
    with pytest.raises(PoisonFileError, match="inputs must be images, as digits holds"):
        read_poison(noisy, load_corpus("digits"))
