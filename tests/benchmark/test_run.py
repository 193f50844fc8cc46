"""The whole pipeline through the command line, on digits with trainings cut short."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leaderboard import Entry, read_entries

ROOT = Path(__file__).parents[2]
SHORT = ("--scenarios", "digits-gaussian-cnn-v1", "--max-train-steps", "60", "--seeds", "0,1", "--unlearners", "gd,ssd")


def command(place: Path, *arguments: str) -> list[str]:
    places = ["--store", str(place / "store"), "--output", str(place / "out")]
    return [sys.executable, "-m", "benchmark", "run", *SHORT, *places, *arguments]


def benchmark(place: Path, *arguments: str) -> str:
    done = subprocess.run(command(place, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def table(place: Path) -> str:
    return (place / "out" / "leaderboard.md").read_text()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    place = tmp_path_factory.mktemp("undisturbed")
    return place, benchmark(place)


def entry(place: Path, method: str) -> Entry:
    (found,) = [entry for entry in read_entries(place / "out" / "entries") if entry.method.name == method]
    return found


def test_a_run_makes_entries_and_a_table(undisturbed: tuple[Path, str]) -> None:
    place, printed = undisturbed
    names = {entry.method.name for entry in read_entries(place / "out" / "entries")}
    assert names == {"gd", "ssd", "no_unlearning", "retrain", "sham"}
    assert re.search(r"\d+ cells computed, \d+ from the store, 0 failed", printed)
    assert "noise floor" in table(place)


def test_anchors_are_what_they_are_by_construction(undisturbed: tuple[Path, str]) -> None:
    place, _ = undisturbed
    for seed in entry(place, "no_unlearning").results[0].seeds:
        assert seed.unlearned == seed.poisoned
        assert seed.cost.passes == 0
    for seed in entry(place, "retrain").results[0].seeds:
        assert seed.unlearned == seed.retrain
        assert seed.cost.passes == pytest.approx(seed.cost.training_passes, rel=0.06)


def test_the_ledger_keeps_the_budget_and_the_training_is_counted(undisturbed: tuple[Path, str]) -> None:
    place, _ = undisturbed
    for method in ("gd", "ssd"):
        for seed in entry(place, method).results[0].seeds:
            assert 0 < seed.cost.passes <= 0.1 * seed.cost.training_passes
            assert seed.cost.stopped_by_budget


def test_a_scenario_cut_short_is_named_so(undisturbed: tuple[Path, str]) -> None:
    place, _ = undisturbed
    assert entry(place, "gd").scenario == "digits-gaussian-cnn-v1.first-60-steps"


def test_a_second_run_computes_nothing_and_prints_the_same_table(undisturbed: tuple[Path, str]) -> None:
    place, _ = undisturbed
    before = table(place)
    assert " 0 cells computed" in " " + benchmark(place).splitlines()[-1]
    assert table(place) == before


def stamps(place: Path) -> dict[str, int]:
    runs = (place / "out" / "tensorboard").glob("*/seed0/*")
    return {run.name: (run / "rendered.json").stat().st_mtime_ns for run in runs if (run / "rendered.json").exists()}


def test_pictures_are_drawn_once_and_again_where_they_are_gone_or_of_other_results(
    undisturbed: tuple[Path, str],
) -> None:
    place, _ = undisturbed
    before = stamps(place)
    assert set(before) >= {"poisoned", "gd@10%", "ssd@10%", "sham@10%"}
    benchmark(place)
    assert stamps(place) == before
    seed = place / "out" / "tensorboard" / "digits-gaussian-cnn-v1.first-60-steps" / "seed0"
    shutil.rmtree(seed / "gd@10%")
    stamp = seed / "ssd@10%" / "rendered.json"
    stamp.write_text(stamp.read_text().replace('"score"', '"another"'))
    benchmark(place)
    after = stamps(place)
    assert {run for run in before if after[run] != before[run]} == {"gd@10%", "ssd@10%"}
    assert list((seed / "gd@10%").glob("events*"))


def test_one_more_method_pays_only_for_itself(undisturbed: tuple[Path, str]) -> None:
    place, _ = undisturbed
    printed = benchmark(place, "--unlearners", "cfk")
    assert "4 cells computed" in printed.splitlines()[-1]
    assert {entry.method.name for entry in read_entries(place / "out" / "entries")} >= {"cfk", "gd"}


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_in_the_same_table(undisturbed: tuple[Path, str], tmp_path: Path) -> None:
    for artifacts in (1, 5, 12):
        process = subprocess.Popen(command(tmp_path), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
        while process.poll() is None and len(list(tmp_path.glob("store/*/*/manifest.json"))) < artifacts:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    benchmark(tmp_path, "--workers", "1")
    assert not list(tmp_path.rglob("*.partial"))
    reference = subprocess.run(command(tmp_path), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "0 cells computed" in reference
    assert _rows(table(tmp_path), "GD") == _rows(table(undisturbed[0]), "GD")
    assert _rows(table(tmp_path), "SSD") == _rows(table(undisturbed[0]), "SSD")
    for method in ("gd", "ssd", "sham", "retrain"):
        ours, theirs = entry(tmp_path, method).results[0].seeds, entry(undisturbed[0], method).results[0].seeds
        assert [seed.unlearned for seed in ours] == [seed.unlearned for seed in theirs]
        assert [seed.addresses for seed in ours] == [seed.addresses for seed in theirs]


@pytest.mark.slow
def test_a_store_with_damaged_weights_heals(undisturbed: tuple[Path, str]) -> None:
    place, _ = undisturbed
    before = table(place)
    victim = next(place.glob("store/unlearn/*/weights.safetensors"))
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(bytes(data))
    assert "1 cells computed" in benchmark(place).splitlines()[-1]
    assert table(place) == before


@pytest.mark.slow
def test_interrupting_ends_with_130_and_one_line(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(tmp_path.glob("store/*/*/manifest.json")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "the same command goes on from there" in errors


def _rows(text: str, method: str) -> list[str]:
    return [re.sub(r"\s+", " ", line) for line in text.splitlines() if f"| {method} " in line]
