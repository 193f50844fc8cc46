import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.care import Shelf, damage_of
from benchmark.cli import main
from benchmark.store import MANIFEST, Artifact, ArtifactStore
from leaderboard import Entry, write_entry


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def to_link(path: Path) -> None:
    target = path.rename(path.parent.parent.parent / "elsewhere")
    path.symlink_to(target)


DAMAGES = {
    "weights.safetensors has other content": lambda folder: flip(folder / "weights.safetensors"),
    "weights.safetensors has 1 bytes instead of 64": lambda folder: (folder / "weights.safetensors").write_text("1"),
    "weights.safetensors is missing": lambda folder: (folder / "weights.safetensors").unlink(),
    "weights.safetensors is a link": lambda folder: to_link(folder / "weights.safetensors"),
    f"{MANIFEST} has another SHA-256 than it says": lambda folder: flip(folder / MANIFEST),
    f"{MANIFEST} is missing": lambda folder: (folder / MANIFEST).unlink(),
    f"{MANIFEST} cannot be read": lambda folder: to_link(folder / MANIFEST),
    "is no folder": to_link,
}


@pytest.mark.parametrize("fault", DAMAGES)
def test_damage_is_found_listed_and_removed_on_demand(
    fault: str, root: Path, address: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    victim = root / "unlearn" / address("seed 1 / unlearn ga / 10 %")
    number = len(Shelf(root).items)
    DAMAGES[fault](victim)
    assert main(["store", "verify", "--store", str(root)]) == 1
    assert capsys.readouterr().out == (f"damaged: unlearn {victim.name[:12]}: {fault}\n{number} artifacts, 1 damaged\n")
    assert os.path.lexists(victim)
    assert main(["store", "verify", "--store", str(root), "--repair"]) == 1
    assert f"{fault}; removed" in capsys.readouterr().out
    assert not os.path.lexists(victim)
    assert main(["store", "verify", "--store", str(root)]) == 0
    assert capsys.readouterr().out == f"{number - 1} artifacts, 0 damaged\n"


def test_repair_leaves_what_was_computed_meanwhile(root: Path, address: Callable[[str], str]) -> None:
    victim = root / "unlearn" / address("seed 1 / unlearn ga / 10 %")
    store = ArtifactStore(root)
    (victim / "weights.safetensors").write_text("1")
    with store.lock("unlearn", victim.name):
        assert main(["store", "verify", "--store", str(root), "--repair"]) == 1
    assert victim.exists()


def test_a_link_in_place_of_the_stage_is_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "craft").rename(tmp_path / "craft")
    (root / "craft").symlink_to(tmp_path / "craft")
    assert not [item for item in Shelf(root).items if item.stage == "craft"]


def test_a_manifest_that_names_files_outside_is_damaged(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "store")
    artifact, _ = store.compute("train", "a" * 64, {}, lambda folder: {})
    reseal(artifact.folder, {"files": {"../../store.json": {"sha256": "", "bytes": 13}}})
    (item,) = Shelf(store.root).items
    assert damage_of(item) == "file '../../store.json' lies outside the artifact"


def reseal(folder: Path, changes: dict[str, object]) -> None:
    """Change a manifest and make its own hash right."""
    import hashlib  # noqa: PLC0415

    text = json.dumps(json.loads((folder / MANIFEST).read_text().partition("\n")[2]) | changes)
    (folder / MANIFEST).write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n")


def test_ls_tells_every_artifact_in_one_line(
    root: Path, artifacts: dict[str, Artifact], capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "train" / f"{'c' * 64}.partial").mkdir()
    assert main(["store", "ls", "--store", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len({artifact.address for artifact in artifacts.values()}) + 1
    (line,) = [line for line in lines if "scrub 10 %" in line and line.startswith("unlearn") and "seed 1" in line]
    size = sum(file.stat().st_size for file in next(root.glob(f"unlearn/{line.split()[1]}*")).iterdir())
    assert f" {size / 1000:.1f} kB " in line
    assert line.endswith("   0 min scrub 10 % from small-cnn poisoned, digits gaussian, seed 1")
    assert lines[-1] == "train    cccccccccccc unfinished (partial)"


def test_du_counts_the_bytes_of_stages(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "du", "--store", str(root)]) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    counted = subprocess.run(
        ["find", str(root / "score"), "-type", "f", "-printf", "%s\n"], capture_output=True, text=True, check=True
    )
    sizes = [int(word) for word in counted.stdout.split()]
    assert lines["score"] == [str(len(sizes) // 2), f"{sum(sizes) / 1000:.1f}", "kB"]
    assert set(lines) == {"craft", "train", "unlearn", "sham", "score", "tune", "total"}
    assert int(lines["total"][0]) == sum(int(lines[stage][0]) for stage in lines if stage != "total")


def test_gc_says_first_and_acts_with_yes(
    root: Path, extra: set[str], variant_entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_entry(variant_entry, tmp_path / "entries")
    line = ["store", "gc", "--keep", "smoke", "--store", str(root), "--entries"]
    assert main([*line, str(tmp_path / "entries")]) == 0
    assert "\n0 artifacts (0 B) and 0 unfinished would go" in capsys.readouterr().out
    (tmp_path / "none").mkdir()
    assert main([*line, str(tmp_path / "none")]) == 0
    told = capsys.readouterr().out
    assert told.count("would go: ") == 2
    assert "\n2 artifacts (" in told
    assert all(list(root.glob(f"*/{address}")) for address in extra)
    assert main([*line, str(tmp_path / "none"), "--yes"]) == 0
    assert capsys.readouterr().out.startswith("removed 2 artifacts (")
    assert not any(list(root.glob(f"*/{address}")) for address in extra)


def test_entries_that_cannot_be_read_stop_gc(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "entries").mkdir()
    (tmp_path / "entries" / "x.json").write_text("{")
    line = ["store", "gc", "--keep", "smoke", "--yes", "--store", str(root), "--entries", str(tmp_path / "entries")]
    before = len(Shelf(root).items)
    assert main(line) == 2
    assert "x.json" in capsys.readouterr().err
    assert len(Shelf(root).items) == before


def test_lineage_prints_a_tree(root: Path, address: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "lineage", address("seed 0 / craft")[:10], "--store", str(root)]) == 0
    assert capsys.readouterr().out.startswith(f"craft {address('seed 0 / craft')[:12]} intact: digits gaussian, seed 0")


MISTAKES = {
    "store": ["store.action", "ls,du,verify,gc,lineage"],
    "store gcc": ["invalid choice: 'gcc'", "did you mean 'gc'"],
    "store ls --stor x": ["unrecognized arguments: --stor", "did you mean 'store'"],
    "store ls --store nowhere": ["store 'nowhere' is no store", "--store"],
    "store gc --store STORE": ["keep"],
    "store gc --keep []": ["--keep must name at least one"],
    "store gc --keep smoke --older-than -1": ["--older_than must be a number of days from 0, got -1"],
    "store gc --keep smoke --older-than nan": ["--older_than: expected a number, got nan"],
    "store gc --keep smoke --entries nowhere": ["nowhere: must be a folder of entries"],
    "store lineage --store STORE": ["entry"],
    "store lineage abc --store STORE": ["ENTRY must be the file of an entry", "got 'abc'"],
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_in_one_line_with_exit_code_2(
    line: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(line.replace("STORE", str(root)).split()) == 2
    told = capsys.readouterr().err
    assert told.startswith("benchmark: error: ")
    assert told.count("\n") == 1
    for part in MISTAKES[line]:
        assert part in told
    assert not (tmp_path / "nowhere").exists()
