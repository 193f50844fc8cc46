"""Malformed artifacts: each is found, told as damaged, and computed again, never read."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from benchmark.care import Family, Shelf, damage_of, words_of
from benchmark.store import MANIFEST, ArtifactStore

ADDRESS = "a" * 64
FILES = {
    "weights.safetensors": b"\x08\x00\x00\x00\x00\x00\x00\x00{}      " + bytes(range(64)),
    "fingerprints.json": b'{"corpus": "c", "poisoned": "p"}',
}
DESCRIPTION = {"stage": "train", "code": "c0de", "config": {"seed": 1, "network": {"name": "small-cnn"}}, "data": "p"}


def work(folder: Path) -> Mapping[str, Any]:
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return {"passes": 3.0}


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("artifacts") / "store"
    ArtifactStore(root).compute("train", ADDRESS, DESCRIPTION, work)
    return root


@pytest.fixture
def rebuilt(intact: Path, tmp_path: Path) -> Callable[[Callable[[Path], None]], None]:
    """Damages a copy and checks what becomes of it."""

    def check(damage: Callable[[Path], None]) -> None:
        root = tmp_path / "store"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(intact, root)
        folder = root / "train" / ADDRESS
        damage(folder)
        shelf = Shelf(root)
        (item,) = shelf.items
        assert damage_of(item), "taken for intact"
        assert words_of(item, Family(shelf))
        store = ArtifactStore(root)
        assert store.find("train", ADDRESS) is None
        artifact, computed = store.compute("train", ADDRESS, DESCRIPTION, work)
        assert computed
        assert {name: artifact.file(name).read_bytes() for name in FILES} == FILES
        assert damage_of(Shelf(root).items[0]) is None

    return check


def manifest(root: Path) -> dict[str, Any]:
    text = (root / "train" / ADDRESS / MANIFEST).read_text().partition("\n")[2]
    return dict(json.loads(text))


def seal(folder: Path, text: str) -> None:
    """Write a manifest whose own hash is right, so that only its content can give it away."""
    body = text.removesuffix("\n")
    (folder / MANIFEST).write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{text}\n")


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_flipped_bit_is_found(name: str, rebuilt: Any, intact: Path, fuzz: Any) -> None:
    size = (intact / "train" / ADDRESS / name).stat().st_size

    def check(bit: int) -> None:
        def damage(folder: Path) -> None:
            data = bytearray((folder / name).read_bytes())
            data[bit // 8] ^= 1 << bit % 8
            (folder / name).write_bytes(bytes(data))

        rebuilt(damage)

    # the last byte of a manifest is a line end, which its hash does not cover
    fuzz(st.integers(0, 8 * (size - (name == MANIFEST)) - 1), check, cases=30)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_file_that_is_too_short_is_found(name: str, rebuilt: Any, intact: Path, fuzz: Any) -> None:
    size = (intact / "train" / ADDRESS / name).stat().st_size

    def check(length: int) -> None:
        def damage(folder: Path) -> None:
            (folder / name).write_bytes((folder / name).read_bytes()[:length])

        rebuilt(damage)

    fuzz(st.integers(0, size - 2), check, cases=15)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_file_that_is_too_long_or_another_is_found(name: str, rebuilt: Any, fuzz: Any) -> None:
    def check(case: tuple[bool, bytes]) -> None:
        keep, junk = case

        def damage(folder: Path) -> None:
            (folder / name).write_bytes(((folder / name).read_bytes() if keep else b"") + junk)

        rebuilt(damage)

    fuzz(st.tuples(st.booleans(), st.binary(min_size=2, max_size=40)), check, cases=15)


def test_a_manifest_that_lacks_something_is_refused_though_its_hash_is_right(
    rebuilt: Any, intact: Path, changed: Any, fuzz: Any
) -> None:
    whole = manifest(intact)
    keys: list[tuple[str, ...]] = [("schema",), ("address",), ("files",), ("meta",)]
    keys += [("files", name, fact) for name in FILES for fact in ("sha256", "bytes")]

    def check(path: tuple[str, ...]) -> None:
        text = json.dumps(changed(whole, path, lambda parent, key: parent.pop(key)))
        rebuilt(lambda folder: seal(folder, text))

    fuzz(st.sampled_from(keys), check, cases=len(keys))


def test_a_manifest_with_other_types_is_refused_though_its_hash_is_right(
    rebuilt: Any, intact: Path, changed: Any, fuzz: Any
) -> None:
    whole = manifest(intact)
    keys: list[tuple[str, ...]] = [("schema",), ("address",), ("files",), ("meta",)]
    keys += [("files", name) for name in FILES]
    keys += [("files", name, fact) for name in FILES for fact in ("sha256", "bytes")]
    alien = st.one_of(
        st.none(), st.text(max_size=3), st.integers(2, 5), st.lists(st.integers(), min_size=1, max_size=2)
    )

    def check(case: tuple[tuple[str, ...], object]) -> None:
        path, value = case
        text = json.dumps(changed(whole, path, lambda parent, key: parent.__setitem__(key, value)))
        rebuilt(lambda folder: seal(folder, text))

    fuzz(st.tuples(st.sampled_from(keys), alien), check, cases=80)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "0", "x", "[" * 100_000, '{"files":' * 100_000, "NaN"],
    ids=["empty", "null", "list", "object", "number", "word", "deep lists", "deep objects", "nan"],
)
def test_a_manifest_that_is_none_is_refused_though_its_hash_is_right(text: str, rebuilt: Any) -> None:
    rebuilt(lambda folder: seal(folder, text))


def test_a_description_of_any_form_can_be_listed(intact: Path, tmp_path: Path, fuzz: Any, changed: Any) -> None:
    whole = manifest(intact)
    json_data = st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
        lambda part: st.lists(part, max_size=2) | st.dictionaries(st.sampled_from(["seed", "name", "config"]), part),
        max_leaves=4,
    )
    keys = [
        ("config",),
        ("data",),
        ("config", "network"),
        ("config", "seed"),
        ("poisoned",),
        ("model",),
        ("surrogates",),
    ]

    def check(case: tuple[tuple[str, ...], Any, str]) -> None:
        path, value, stage = case
        root = tmp_path / "store"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(intact, root)
        folder = (root / "train").rename(root / stage) / ADDRESS
        document = changed(whole, ("description", *path), lambda parent, key: parent.__setitem__(key, value))
        seal(folder, json.dumps(document | {"stage": stage}))
        shelf = Shelf(root)
        assert "\n" not in words_of(shelf.items[0], Family(shelf))
        Family(shelf).missing(shelf.items[0])

    stages = st.sampled_from(["craft", "train", "unlearn", "sham", "score"])
    fuzz(st.tuples(st.sampled_from(keys), json_data, stages), check, cases=80)
