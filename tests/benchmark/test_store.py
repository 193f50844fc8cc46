import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmark.store import MANIFEST, ArtifactStore, StoreError

ADDRESS = "a" * 64


def write(folder: Path) -> Mapping[str, Any]:
    (folder / "numbers.txt").write_text("1 2 3")
    return {"sum": 6}


def never(_: Path) -> Mapping[str, Any]:
    raise AssertionError("computed although it was in the store")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store")


def test_an_artifact_is_computed_once(store: ArtifactStore) -> None:
    assert store.find("train", ADDRESS) is None
    artifact, computed = store.compute("train", ADDRESS, {"why": "test"}, write)
    assert computed
    assert artifact.meta == {"sum": 6}
    assert artifact.file("numbers.txt").read_text() == "1 2 3"
    again, computed = ArtifactStore(store.root).compute("train", ADDRESS, {}, never)
    assert not computed
    assert again.meta == {"sum": 6}


def test_the_manifest_tells_what_made_it(store: ArtifactStore) -> None:
    artifact, _ = store.compute("train", ADDRESS, {"why": "test"}, write)
    manifest = json.loads(artifact.file(MANIFEST).read_text().partition("\n")[2])
    assert manifest["description"] == {"why": "test"}
    assert manifest["files"]["numbers.txt"]["bytes"] == 5


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


DAMAGES = {
    "bit flipped": lambda folder: flip_bit(folder / "numbers.txt"),
    "truncated": lambda folder: (folder / "numbers.txt").write_text("1"),
    "file gone": lambda folder: (folder / "numbers.txt").unlink(),
    "manifest flipped": lambda folder: flip_bit(folder / MANIFEST),
    "manifest truncated": lambda folder: (folder / MANIFEST).write_text("{"),
    "manifest gone": lambda folder: (folder / MANIFEST).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_artifact_is_computed_again_and_never_read(store: ArtifactStore, damage: str) -> None:
    artifact, _ = store.compute("train", ADDRESS, {}, write)
    DAMAGES[damage](artifact.folder)
    fresh = ArtifactStore(store.root)
    assert fresh.find("train", ADDRESS) is None
    again, computed = fresh.compute("train", ADDRESS, {}, write)
    assert computed
    assert again.file("numbers.txt").read_text() == "1 2 3"


def test_an_artifact_under_a_wrong_address_is_not_taken(store: ArtifactStore) -> None:
    artifact, _ = store.compute("train", ADDRESS, {}, write)
    artifact.folder.rename(store.folder("train", "b" * 64))
    assert ArtifactStore(store.root).find("train", "b" * 64) is None


def test_work_that_fails_leaves_nothing(store: ArtifactStore) -> None:
    def fail(folder: Path) -> Mapping[str, Any]:
        write(folder)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.compute("train", ADDRESS, {}, fail)
    assert store.find("train", ADDRESS) is None
    assert list((store.root / "train").iterdir()) == []


def test_two_threads_compute_once(store: ArtifactStore) -> None:
    calls: list[int] = []
    gate = threading.Event()

    def slow(folder: Path) -> Mapping[str, Any]:
        calls.append(1)
        gate.wait(5)
        return write(folder)

    threads = [
        threading.Thread(target=lambda: ArtifactStore(store.root).compute("train", ADDRESS, {}, slow)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_a_killed_process_leaves_a_partial_that_is_swept_and_recomputed(store: ArtifactStore) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom benchmark.store import ArtifactStore\n"
        "def work(folder):\n    (folder / 'half').write_text('x')\n    os.kill(os.getpid(), 9)\n"
        f"ArtifactStore(Path({str(store.root)!r})).compute('train', {ADDRESS!r}, {{}}, work)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    partial = store.root / "train" / f"{ADDRESS}.partial"
    assert partial.exists()
    store.sweep()
    assert not partial.exists()
    assert store.compute("train", ADDRESS, {}, write)[1]


def test_sweeping_leaves_work_in_progress_alone(store: ArtifactStore) -> None:
    def sweep_meanwhile(folder: Path) -> Mapping[str, Any]:
        ArtifactStore(store.root).sweep()
        return write(folder)

    assert store.compute("train", ADDRESS, {}, sweep_meanwhile)[0].meta == {"sum": 6}


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(StoreError, match="folder of other files; name an empty one with --store"):
        ArtifactStore(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_another_schema_is_refused(store: ArtifactStore) -> None:
    (store.root / "store.json").write_text('{"schema": 0}')
    with pytest.raises(StoreError, match="schema 0, this version writes 1"):
        ArtifactStore(store.root)


def test_a_damaged_schema_file_is_told(store: ArtifactStore) -> None:
    (store.root / "store.json").write_text("nonsense")
    with pytest.raises(StoreError, match="is damaged"):
        ArtifactStore(store.root)


def test_an_unusable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="name another with --store"):
        ArtifactStore(tmp_path / "file" / "store")
