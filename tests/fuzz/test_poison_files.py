"""Malformed poisons from elsewhere (`craft --load`): each is refused in one line that names the folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from benchmark.cli import main
from benchmark.export import read_poison
from benchmark.scenarios import get_scenarios
from benchmark.stages.craft import POISONS_FILE, SECRETS_FILE, CraftConfig, craft
from benchmark.tensors import load_tensors, save_tensors

SCENARIO = "digits-gaussian-cnn-v1"
PREPROCESSING = "preprocessing.json"


@pytest.fixture(scope="module")
def crafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("poison") / "crafted"
    folder.mkdir()
    (scenario,) = get_scenarios(SCENARIO)
    craft(CraftConfig(scenario.corpus, scenario.poison, scenario.forget, 0), None, [], folder)
    return folder


@pytest.fixture
def refused(
    crafted: Path, tmp_path: Path, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Path], None]], str]:
    """Damages a copy and has it refused; a poison that is accepted would be drawn, which fails here."""

    def accepted(*arguments: object) -> None:
        raise AssertionError("accepted")

    monkeypatch.setattr("benchmark.craft.export_poison", accepted)

    def check(damage: Callable[[Path], None]) -> str:
        folder = tmp_path / "poison"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(crafted, folder)
        damage(folder)
        output = tmp_path / "out"
        line = told(main, ["craft", "--scenario", SCENARIO, "--load", str(folder), "--output", str(output)])
        assert str(folder) in line
        assert not output.exists()
        return line

    return check


def test_the_poison_that_is_malformed_here_is_valid(crafted: Path) -> None:
    (scenario,) = get_scenarios(SCENARIO)
    assert len(read_poison(crafted, scenario.corpus.load())) == 60


def splice(path: Path, start: int, stop: int, content: bytes) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:start] + content + data[stop:])


def header_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[:8], "little")


@pytest.mark.parametrize("name", [POISONS_FILE, SECRETS_FILE])
def test_a_header_of_another_length_is_told(name: str, crafted: Path, refused: Any, fuzz: Any) -> None:
    right = header_size(crafted / name)

    def check(size: int) -> None:
        refused(lambda folder: splice(folder / name, 0, 8, size.to_bytes(8, "little")))

    sizes = st.one_of(st.integers(0, right - 8), st.integers(right + 1, 2**64 - 1))
    fuzz(sizes, check, cases=25)


@pytest.mark.parametrize("name", [POISONS_FILE, SECRETS_FILE])
def test_a_header_that_is_no_header_is_told(name: str, crafted: Path, refused: Any, fuzz: Any) -> None:
    size = header_size(crafted / name)
    deep = [b'{"a":' * (size // 5), b"[" * size]
    words = [b"null", b"[]", b"{}", b'{"index":null}', b'{"index":{}}', *deep]
    junk = st.one_of(st.binary(min_size=1, max_size=size), st.sampled_from(words))

    def check(content: bytes) -> None:
        refused(lambda folder: splice(folder / name, 8, 8 + size, content.ljust(size)))

    fuzz(junk, check, cases=25)


@pytest.mark.parametrize("name", [POISONS_FILE, SECRETS_FILE, PREPROCESSING])
def test_half_a_file_is_told(name: str, crafted: Path, refused: Any, fuzz: Any) -> None:
    def check(length: int) -> None:
        refused(lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:length]))

    fuzz(st.integers(0, (crafted / name).stat().st_size - 1), check, cases=15)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"0",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": NaN}',
        b'{"a": {}}',
    ],
    ids=["empty", "null", "list", "number", "text", "bytes", "deep lists", "deep objects", "nan", "nested"],
)
def test_preprocessing_that_is_none_is_told(content: bytes, refused: Any) -> None:
    assert PREPROCESSING in refused(lambda folder: (folder / PREPROCESSING).write_bytes(content))


def put(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_tensors(folder / POISONS_FILE)
        save_tensors(tensors | {name: change(tensors[name])}, folder / POISONS_FILE)

    return damage


def leave_out(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_tensors(folder / POISONS_FILE)
        save_tensors({key: value for key, value in tensors.items() if key != name}, folder / POISONS_FILE)

    return damage


def placed(row: int, value: float) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        tensor = tensor.clone()
        tensor[row] = value
        return tensor

    return change


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "half": lambda tensor: tensor[: len(tensor) // 2],
    "one more": lambda tensor: torch.cat([tensor, tensor[-1:]]),
    "empty": lambda tensor: tensor[:0],
    "one number": lambda tensor: tensor.flatten()[0],
    "one dimension more": lambda tensor: tensor.unsqueeze(1),
    "one dimension in front": lambda tensor: tensor.unsqueeze(0),
    "int32": lambda tensor: tensor.to(torch.int32),
    "float64": lambda tensor: tensor.to(torch.float64),
    "bfloat16": lambda tensor: tensor.to(torch.bfloat16),
    "bool": lambda tensor: tensor.to(torch.bool),
    "complex": lambda tensor: tensor.to(torch.complex64),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["index", "target", "inputs"])
def test_a_tensor_of_another_form_is_told(name: str, change: str, refused: Any) -> None:
    refused(put(name, CHANGES[change]))


@pytest.mark.parametrize("name", ["index", "target", "inputs"])
def test_a_missing_tensor_is_told(name: str, refused: Any) -> None:
    refused(leave_out(name))


def test_values_out_of_range_are_told(refused: Any, fuzz: Any) -> None:
    rows = st.integers(0, 59)
    beyond = st.one_of(st.integers(-(2**63), -1), st.integers(10_000, 2**63 - 1))
    wrong = st.sampled_from([float("nan"), float("inf"), float("-inf")])
    cases = st.one_of(
        st.tuples(st.sampled_from(["index", "target"]), rows, beyond), st.tuples(st.just("inputs"), rows, wrong)
    )

    def check(case: tuple[str, int, float]) -> None:
        name, row, value = case
        assert name in refused(put(name, placed(row, value)))

    fuzz(cases, check, cases=60)


@pytest.mark.parametrize("name", [POISONS_FILE, SECRETS_FILE, PREPROCESSING])
def test_a_missing_file_and_a_folder_in_its_place_are_told(name: str, refused: Any) -> None:
    assert f"{name} is missing" in refused(lambda folder: (folder / name).unlink())

    def swap(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    assert name in refused(swap)


def test_a_key_that_stands_twice_is_told(refused: Any) -> None:
    content = json.dumps({"a": 1})[:-1] + ', "a": 2}'
    assert "'a' stands twice" in refused(lambda folder: (folder / PREPROCESSING).write_text(content))
