import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from datamodules import corpora
from datamodules.corpora.store import cache_root, ensure_folder, ensure_stored, read_rows

IMAGES = torch.arange(60, dtype=torch.uint8).reshape(10, 3, 2)

# Another process that fetches: notes that it began, then takes its time. The stand-in for the package
# `datamodules` spares it the import of everything else in there.
OTHER_PROCESS = """
import pathlib, sys, time, types
sys.modules["datamodules"] = package = types.ModuleType("datamodules")
package.__path__ = [sys.argv[1]]
import torch
from datamodules.corpora.store import ensure_stored

folder, seconds = pathlib.Path(sys.argv[2]), float(sys.argv[3])

def build(scratch):
    (scratch / "archive").write_text("half of it")
    (folder / "began").touch()
    time.sleep(seconds)
    return {"images": torch.zeros(2)}, "the other process"

ensure_stored(folder, "toy", build)
"""


@contextmanager
def _other_process(folder: Path, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    package = Path(corpora.__file__).parents[1]
    command = [sys.executable, "-c", OTHER_PROCESS, str(package), str(folder), str(seconds)]
    with subprocess.Popen(command, cwd=package.parent) as process:
        try:
            while not (folder / "began").exists():
                if process.poll() is not None:
                    pytest.fail(f"the other process ended with {process.returncode} before it began to fetch")
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


class _Build:
    def __init__(self, images: torch.Tensor = IMAGES) -> None:
        self.images = images
        self.calls = 0

    def __call__(self, scratch: Path) -> tuple[dict[str, torch.Tensor], str]:
        self.calls += 1
        (scratch / "archive").write_text("downloaded")
        return {"images": self.images, "labels": torch.arange(10)}, f"call {self.calls}"


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_the_second_time_nothing_is_built(tmp_path: Path) -> None:
    build = _Build()
    first, second = (ensure_stored(tmp_path, "toy", build) for _ in range(2))
    assert build.calls == 1
    assert first == second == (tmp_path / "toy.safetensors", "call 1")


def test_only_the_file_and_its_manifest_stay(tmp_path: Path) -> None:
    stored = ensure_stored(tmp_path / "new" / "folder", "toy", _Build())
    assert _files(stored.path.parent) == {"toy.safetensors", "toy.json"}


def test_a_shared_cache_can_be_read_by_others(tmp_path: Path) -> None:
    stored = ensure_stored(tmp_path, "toy", _Build())
    (tmp_path / "plain").touch()
    assert stored.path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_reading_rows_equals_slicing_the_whole(tmp_path: Path) -> None:
    stored = ensure_stored(tmp_path, "toy", _Build())
    assert torch.equal(read_rows(stored, "images", range(10)), IMAGES)
    part = read_rows(stored, "images", range(3, 7))
    assert torch.equal(part, IMAGES[3:7])
    assert part.untyped_storage().nbytes() == part.numel()


def _flip_last_byte(folder: Path) -> None:
    content = bytearray((folder / "toy.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "toy.safetensors").write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        _flip_last_byte,
        lambda folder: (folder / "toy.safetensors").write_bytes(b""),
        lambda folder: (folder / "toy.json").write_text("{"),
        lambda folder: (folder / "toy.json").write_text("[]"),
        lambda folder: (folder / "toy.json").write_text('{"source": "no checksum"}'),
        lambda folder: (folder / "toy.json").unlink(),
    ],
    ids=["byte", "truncated", "manifest-cut", "manifest-list", "manifest-without-checksum", "no-manifest"],
)
def test_a_damaged_file_is_found_and_fetched_again(tmp_path: Path, caplog, damage) -> None:
    build = _Build()
    ensure_stored(tmp_path, "toy", build)
    damage(tmp_path)
    with caplog.at_level(logging.WARNING):
        stored = ensure_stored(tmp_path, "toy", build)
    assert "toy.safetensors is damaged" in caplog.text
    assert build.calls == 2
    assert stored.source == "call 2"
    assert torch.equal(read_rows(stored, "images", range(10)), IMAGES)


def test_the_manifest_says_what_the_file_is_and_where_it_came_from(tmp_path: Path) -> None:
    stored = ensure_stored(tmp_path, "toy", _Build())
    manifest = json.loads((tmp_path / "toy.json").read_text())
    assert manifest["source"] == "call 1"
    assert manifest["bytes"] == stored.path.stat().st_size
    assert len(manifest["sha256"]) == 64


def test_a_failed_fetch_leaves_nothing(tmp_path: Path) -> None:
    def build(scratch: Path) -> tuple[dict[str, torch.Tensor], str]:
        (scratch / "archive").write_text("half of it")
        raise OSError("the line went dead")

    with pytest.raises(OSError, match="the line went dead"):
        ensure_stored(tmp_path, "toy", build)
    assert _files(tmp_path) == set()


def test_two_processes_at_once_fetch_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, build = tmp_path / "cache", _Build()
    with _other_process(folder, seconds=0.3), caplog.at_level(logging.INFO):
        stored = ensure_stored(folder, "toy", build)
    assert build.calls == 0
    assert stored.source == "the other process"
    assert "waiting for it" in caplog.text


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    folder, build = tmp_path / "cache", _Build()
    with _other_process(folder, seconds=60) as process:
        process.kill()
        process.wait()
    assert list(folder.glob(".fetching-*/archive"))
    assert ensure_stored(folder, "toy", build).source == "call 1"
    assert _files(folder) == {"began", "toy.safetensors", "toy.json"}


def test_leftovers_beside_a_complete_file_are_removed_but_not_while_someone_is_at_work(
    tmp_path: Path,
) -> None:
    build = _Build()
    ensure_stored(tmp_path, "toy", build)
    leftover = tmp_path / ".fetching-left"
    leftover.mkdir()
    with FileLock(tmp_path / ".lock"):
        ensure_stored(tmp_path, "toy", build)
        assert leftover.exists()
    ensure_stored(tmp_path, "toy", build)
    assert not leftover.exists()
    assert build.calls == 1


def test_the_cache_is_where_the_argument_the_environment_or_the_home_folder_says(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("UNPOISON_CACHE", raising=False)
    assert cache_root() == tmp_path / ".cache" / "unpoison"
    monkeypatch.setenv("UNPOISON_CACHE", "~/elsewhere")
    assert cache_root() == tmp_path / "elsewhere"
    assert cache_root(tmp_path / "given") == tmp_path / "given"


class _Fill:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, scratch: Path, ready: Path) -> str:
        self.calls += 1
        (scratch / "archive").write_text("downloaded")
        for name in ("one.txt", "two.txt"):
            (ready / name).write_text(name)
        return f"call {self.calls}"


def test_a_folder_is_filled_once_and_holds_its_files_and_a_manifest(tmp_path: Path) -> None:
    fill = _Fill()
    first, second = (ensure_folder(tmp_path / "new", "toy", fill) for _ in range(2))
    assert fill.calls == 1
    assert first == second == (tmp_path / "new" / "toy", "call 1")
    assert _files(first.path) == {"one.txt", "two.txt", "manifest.json"}
    assert _files(tmp_path / "new") == {"toy"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "one.txt").write_text("One.txt"),
        lambda folder: (folder / "two.txt").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text('{"source": "", "sha256": 3}'),
        lambda folder: (folder / "manifest.json").unlink(),
    ],
    ids=["byte", "no-file", "manifest-cut", "manifest-wrong", "no-manifest"],
)
def test_a_damaged_folder_is_found_and_filled_again(tmp_path: Path, caplog, damage) -> None:
    fill = _Fill()
    damage(ensure_folder(tmp_path, "toy", fill).path)
    with caplog.at_level(logging.WARNING):
        stored = ensure_folder(tmp_path, "toy", fill)
    assert "toy is damaged" in caplog.text
    assert stored.source == "call 2"
    assert {name: (stored.path / name).read_text() for name in ("one.txt", "two.txt")} == {
        "one.txt": "one.txt",
        "two.txt": "two.txt",
    }
    assert _files(tmp_path) == {"toy"}


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    def fill(scratch: Path, ready: Path) -> str:
        (ready / "one.txt").write_text("half of it")
        raise OSError("the line went dead")

    with pytest.raises(OSError, match="the line went dead"):
        ensure_folder(tmp_path, "toy", fill)
    assert _files(tmp_path) == set()
