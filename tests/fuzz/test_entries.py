"""Malformed entries: each is refused in one line that names the file."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from benchmark.cli import main as benchmark
from benchmark.store import ArtifactStore
from leaderboard import EntryError, read_entry
from leaderboard.cli import main as leaderboard

FREE = ("hyperparameters", "configuration", "extra", "addresses", "packages", "fingerprints")
"""Mappings whose keys anybody may choose."""

ALIEN: dict[type, list[Any]] = {
    str: [1, 2.5, True, [], {}, ["text"]],
    bool: ["true", 0, 1, [], {}],
    int: ["1", True, [], {}, [1], "text"],
    float: ["0.5", True, [], {}, [0.5], "text"],
    list: [{}, "text", 1, True, None],
    dict: [[], "text", 1, True, None],
}
"""What cannot stand where a value of a type does; null can, in places."""

RULES: dict[str, tuple[tuple[Any, ...], Any]] = {
    "another schema": (("schema_version",), 2),
    "a name that is no file name": (("scenario",), "../../etc/passwd"),
    "an empty name": (("method", "name"), ""),
    "a capital": (("method", "name"), "Gd"),
    "an unknown modality": (("modality",), "audio"),
    "an unknown status": (("status",), "great"),
    "diverged without reason": (("status",), "diverged"),
    "an anchor's name": (("method", "name"), "retrain"),
    "an anchor that is none": (("method", "kind"), "anchor"),
    "bounds that cross": (("effect", "lower_bound"), 11.0),
    "an impossible effect": (("results", 0, "seeds", 0, "retrain", "effect"), 11.0),
    "a lost baseline": (("results", 0, "seeds", 0, "poisoned", "effect"), None),
    "no accuracy": (("results", 1, "seeds", 1, "unlearned", "accuracy"), None),
    "an accuracy in percent": (("results", 1, "seeds", 1, "unlearned", "accuracy"), 70),
    "a seed below 0": (("results", 0, "seeds", 0, "seed"), -1),
    "a seed twice": (("results", 0, "seeds", 1, "seed"), 0),
    "a budget twice": (("results", 1, "budget"), 0.04),
    "a budget in percent": (("results", 1, "budget"), 10.0),
    "no budget": (("results", 0, "budget"), 0.0),
    "no seeds": (("results", 0, "seeds"), []),
    "no results": (("results",), []),
    "passes that do not add up": (("results", 0, "seeds", 0, "cost", "passes"), 31.0),
    "negative passes": (("results", 0, "seeds", 0, "cost", "forward_passes"), -10.0),
    "no training": (("results", 0, "seeds", 0, "cost", "training_passes"), 0.0),
    "a moment without a zone": (("provenance", "created"), "2026-01-02T03:04:05"),
    "a moment elsewhere": (("provenance", "created"), "2026-01-02T03:04:05+02:00"),
    "no moment": (("provenance", "created"), "yesterday"),
    "a nested setting": (("hyperparameters", "lr"), [0.1]),
}


@pytest.fixture
def refused(tmp_path: Path, told: Callable[..., str]) -> Callable[[bytes], str]:
    """Writes a file and has it refused by everything that reads entries."""
    path = tmp_path / "gd.json"
    ArtifactStore(tmp_path / "store")

    def check(content: bytes) -> str:
        path.write_bytes(content)
        with pytest.raises(EntryError, match=r"gd\.json: ") as error:
            read_entry(path)
        assert "\n" not in str(error.value)
        assert str(path) in told(leaderboard, ["validate", str(path)])
        assert str(path) in told(benchmark, ["store", "lineage", str(path), "--store", str(tmp_path / "store")])
        return str(error.value)

    return check


def paths(node: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*so_far, key), value
        if key not in FREE:
            yield from paths(value, (*so_far, key))


def records(node: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        yield so_far
    for path, value in paths(node, so_far):
        if isinstance(value, dict) and path[-1] not in FREE:
            yield path


def test_the_entry_that_is_malformed_here_is_valid(entry: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "gd.json").write_text(json.dumps(entry))
    assert read_entry(tmp_path / "gd.json").method.name == "gd"


def test_a_missing_field_is_told(
    entry: dict[str, Any], changed: Any, refused: Callable[[bytes], str], fuzz: Any
) -> None:
    keys = [path for path, _ in paths(entry) if isinstance(path[-1], str)]

    def check(path: tuple[Any, ...]) -> None:
        line = refused(json.dumps(changed(entry, path, lambda parent, key: parent.pop(key))).encode())
        assert f"field {'.'.join(map(str, path))} is missing" in line

    fuzz(st.sampled_from(keys), check, cases=60)


def test_an_unknown_field_is_told(
    entry: dict[str, Any], changed: Any, refused: Callable[[bytes], str], fuzz: Any
) -> None:
    def check(case: tuple[tuple[Any, ...], str]) -> None:
        path, name = case
        refused(json.dumps(changed(entry, (*path, name), lambda parent, key: parent.update({key: 1}))).encode())

    names = st.text(min_size=1, max_size=12).map(lambda text: f"x{text}")
    fuzz(st.tuples(st.sampled_from(list(records(entry))), names), check, cases=40)


def test_a_value_of_another_type_is_told(
    entry: dict[str, Any], changed: Any, refused: Callable[[bytes], str], fuzz: Any
) -> None:
    cases = [(path, alien) for path, value in paths(entry) for alien in ALIEN.get(type(value), [])]

    def check(case: tuple[tuple[Any, ...], Any]) -> None:
        path, alien = case
        line = refused(json.dumps(changed(entry, path, lambda parent, key: parent.__setitem__(key, alien))).encode())
        assert ".".join(map(str, path)) in line

    fuzz(st.sampled_from(cases), check, cases=100)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_told(
    number: str, entry: dict[str, Any], changed: Any, refused: Callable[[bytes], str], fuzz: Any
) -> None:
    numbers = [path for path, value in paths(entry) if isinstance(value, float)]
    numbers += [("configuration", "recipe", "lr"), ("hyperparameters", "lr")]

    def check(path: tuple[Any, ...]) -> None:
        text = json.dumps(changed(entry, path, lambda parent, key: parent.__setitem__(key, "HERE")))
        refused(text.replace('"HERE"', number).encode())

    fuzz(st.sampled_from(numbers), check, cases=8)


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_told(rule: str, entry: dict[str, Any], changed: Any, refused: Callable[[bytes], str]) -> None:
    path, value = RULES[rule]
    refused(json.dumps(changed(entry, path, lambda parent, key: parent.__setitem__(key, value))).encode())


def test_half_a_file_is_told(entry: dict[str, Any], refused: Callable[[bytes], str], fuzz: Any) -> None:
    text = json.dumps(entry).encode()
    fuzz(st.integers(0, len(text) - 1), lambda length: refused(text[:length]), cases=40)


def test_bytes_that_are_no_text_are_told(entry: dict[str, Any], refused: Callable[[bytes], str], fuzz: Any) -> None:
    text = json.dumps(entry).encode()

    def check(case: tuple[int, bytes]) -> None:
        place, junk = case
        refused(text[:place] + b"\xff" + junk + text[place:])

    fuzz(st.tuples(st.integers(0, len(text)), st.binary(max_size=8)), check, cases=30)


def test_a_key_that_stands_twice_is_told(entry: dict[str, Any], refused: Callable[[bytes], str], fuzz: Any) -> None:
    keys = sorted({key for path, _ in paths(entry) for key in path if isinstance(key, str)} - set(FREE))

    def check(key: str) -> None:
        name = json.dumps(key)
        text = json.dumps(entry)
        assert f"key {key!r} stands twice" in refused(text.replace(f"{name}: ", f"{name}: null, {name}: ", 1).encode())

    fuzz(st.sampled_from(keys), check, cases=30)


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b"0", b'"entry"', b"\x00" * 100, b"[" * 100_000, b'{"a":' * 100_000],
    ids=["empty", "null", "list", "object", "number", "string", "zeros", "deep lists", "deep objects"],
)
def test_what_is_no_entry_at_all_is_told(content: bytes, refused: Callable[[bytes], str]) -> None:
    refused(content)


def test_what_cannot_be_read_is_told(tmp_path: Path, told: Callable[..., str]) -> None:
    (tmp_path / "folder.json").mkdir()
    for name in ("folder.json", "missing.json"):
        assert name in told(leaderboard, ["validate", str(tmp_path / name)])
