import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.care import Family, Shelf, lineage, words_of
from leaderboard import Entry, EntryError, write_entry

MODEL = "small-cnn poisoned, digits gaussian, seed 0"

WORDS = {
    "seed 0 / craft": "digits gaussian, seed 0",
    "seed 0 / train / poisoned": MODEL,
    "seed 1 / train / retrain": "small-cnn retrain, digits gaussian, seed 1",
    "seed 0 / train / second_retrain": "small-cnn second retrain, digits gaussian, seed 0",
    "seed 0 / unlearn scrub / 10 %": f"scrub 10 % from {MODEL}",
    "seed 0 / sham / 10 %": f"sham 10 % from {MODEL}",
    "seed 0 / unlearn ssd / 10 % / score": f"ssd 10 % from {MODEL}",
}


@pytest.mark.parametrize("name", WORDS)
def test_an_artifact_is_told_in_the_words_of_scenarios(
    name: str, filled: tuple[Path, object], address: Callable[[str], str]
) -> None:
    shelf = Shelf(filled[0])
    item = shelf.get(address(name))
    assert item is not None
    assert words_of(item, Family(shelf)) == WORDS[name]


def nodes(lines: list[str]) -> list[str]:
    return [
        line for line in lines if re.search(r"(craft|train|unlearn|sham|score) [0-9a-f]{12} (intact|DAMAGED)", line)
    ]


def test_an_entry_goes_back_to_everything_that_made_it(
    filled: tuple[Path, object], variant_entry: Entry, address: Callable[[str], str], tmp_path: Path
) -> None:
    path = write_entry(variant_entry, tmp_path)
    lines = list(lineage(str(path), Shelf(filled[0])))
    variant = "seed 0 / unlearn scrub.alpha-0.5 / 10 %"
    trained = [f"seed 0 / train / {name}" for name in ("poisoned", "retrain", "second_retrain")]
    behind = ["seed 0 / craft", variant, f"{variant} / score", *trained, *(f"{name} / score" for name in trained)]
    shown = {line.partition(" intact")[0].split()[-1] for line in nodes(lines)}
    assert shown == {address(name)[:12] for name in behind}
    assert len(nodes(lines)) == len(behind)
    text = "\n".join(lines)
    assert lines[0] == "digits-gaussian-cnn-v1 / scrub.alpha-0.5: claimed, commit abc123, cpu"
    for fact in ('"alpha":0.5', '"seed":0', "corpus: da7a", "budget 10 %, seed 0", "(as here)", "device cpu"):
        assert fact in text
    assert "other than here" not in text


def test_what_stands_below_is_what_it_was_made_from(filled: tuple[Path, object], address: Callable[[str], str]) -> None:
    lines = nodes(list(lineage(address("seed 1 / sham / 10 %"), Shelf(filled[0]))))
    depths = [(len(line) - len(line.lstrip())) // 2 for line in lines]
    titles = [line.split()[1 if ":" in line.split()[0] else 0] for line in lines]
    assert list(zip(depths, titles, strict=True)) == [(0, "sham"), (1, "train"), (2, "craft"), (1, "unlearn")]


def test_missing_and_damaged_artifacts_are_told(
    root: Path, variant_entry: Entry, address: Callable[[str], str], tmp_path: Path
) -> None:
    shutil.rmtree(root / "train" / address("seed 0 / train / second_retrain"))
    (root / "train" / address("seed 0 / train / poisoned") / "weights.safetensors").write_text("x")
    path = write_entry(variant_entry, tmp_path)
    text = "\n".join(lineage(str(path), Shelf(root)))
    assert "judged by second retrain: MISSING" in text
    assert (
        f"poisoned: train {address('seed 0 / train / poisoned')[:12]} DAMAGED (weights.safetensors has 1 bytes" in text
    )
    shutil.rmtree(root / "craft" / address("seed 0 / craft"))
    text = "\n".join(lineage(str(path), Shelf(root)))
    assert f"craft: {address('seed 0 / craft')[:12]} MISSING" in text


def test_other_code_is_told(
    filled: tuple[Path, object], address: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.care.ancestry.stage_code", lambda stage: "another")
    lines = list(lineage(address("seed 0 / craft"), Shelf(filled[0])))
    assert any(line.endswith("(other than here)") and "| code " in line for line in lines)


def test_an_origin_that_is_none_is_told(filled: tuple[Path, object], tmp_path: Path) -> None:
    shelf = Shelf(filled[0])
    for origin in ("", "abc", "0" * 64, "no/such/entry.json"):
        with pytest.raises(ValueError, match="ENTRY must be the file of an entry, or 6 or more first digits"):
            list(lineage(origin, shelf))
    (tmp_path / "entry.json").write_text("{")
    with pytest.raises(EntryError, match="not JSON"):
        list(lineage(str(tmp_path / "entry.json"), shelf))
