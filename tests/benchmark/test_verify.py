"""A second run confirms what was run, and nothing else."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmark import verify as module
from benchmark.choices import choose_methods
from benchmark.cli import main
from benchmark.graph import Failure
from benchmark.methods import Method, configured_method, default_method
from benchmark.publish import render_published
from benchmark.run import Computed, Places, Request, compute
from benchmark.scenario import Scenario
from benchmark.sources import keep_sources
from benchmark.store import ArtifactStore
from leaderboard import read_entries, read_entry, write_entry
from leaderboard.entry import entry_path

WAVERING = '''
"""Another answer each time."""

import os

from torch import Tensor

from lightning_modules.unlearners.gd import GD
from lightning_modules import MethodCard


class Wavering(GD):
    """Gradient descent with a weight that nobody chose."""

    card = MethodCard(name="wavering", title="Wavering", paper="none", formula="none", source="none")

    def training_step(self, batch, batch_idx: int) -> Tensor:
        return super().training_step(batch, batch_idx) * (1 + os.urandom(1)[0] / 256)
'''


@dataclass(frozen=True)
class Place:
    """A store and the entries that were run in it."""

    store: Path
    entries: Path

    def path(self, method: str) -> Path:
        (entry,) = [entry for entry in read_entries(self.entries) if entry.method.name == method]
        return entry_path(entry, self.entries)

    def verify(self, method: str, *options: str) -> int:
        return main(["verify", str(self.path(method)), "--store", str(self.store), "--any-commit", *options])


def run(place: Place, scenario: Scenario, methods: tuple[Method, ...]) -> None:
    computed = compute(Request((scenario,), methods), Places(place.store, place.store), Console(quiet=True), told="")
    assert not computed.failures
    for entry in computed.entries:
        write_entry(entry, place.entries)
    keep_sources(methods, computed.entries, place.entries)


@pytest.fixture(scope="module")
def run_once(tiny: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("verify") / "store", tmp_path_factory.mktemp("board") / "entries")
    run(place, tiny, (default_method("gd"), configured_method("gd", {"lr": 1e30, "momentum": 0.0})))
    return place


@pytest.fixture
def place(run_once: Place, tmp_path: Path) -> Place:
    """The entries of the run, to be changed at will, and its store."""
    shutil.copytree(run_once.entries, tmp_path / "entries")
    return Place(run_once.store, tmp_path / "entries")


def change(path: Path, edit: Callable[[Any], None]) -> None:
    text = json.loads(path.read_text())
    edit(text)
    path.write_text(json.dumps(text))


def seed(entry: Any, number: int) -> Any:
    return entry["results"][0]["seeds"][number]


def test_a_true_entry_is_verified_without_the_unlearned_networks_of_the_store(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in ("unlearn", "score"):
        shutil.rmtree(place.store / stage)
    trained = {path: path.stat().st_mtime_ns for path in place.store.glob("train/*/*")}
    before = read_entry(place.path("gd"))
    assert place.verify("gd") == 0
    entry = read_entry(place.path("gd"))
    assert entry.status == "verified"
    assert entry.verification is not None
    assert entry.verification.compared > 30
    assert (entry.verification.differences, entry.verification.largest) == ([], 0.0)
    assert entry.model_copy(update={"status": "claimed", "verification": None}) == before
    assert {path: path.stat().st_mtime_ns for path in place.store.glob("train/*/*")} == trained
    assert not (place.store / "unlearn").exists()
    assert "gd.json: verified" in capsys.readouterr().out
    assert not list(place.store.parent.glob("*second-run*"))


def test_what_a_manipulated_store_says_of_a_method_is_not_believed(
    place: Place, tiny: Scenario, tmp_path: Path
) -> None:
    """A score that was written into the store makes an entry, and no verified one."""
    forged = Place(tmp_path / "store", place.entries)
    run(forged, tiny, (default_method("gd"),))
    address = read_entry(place.path("gd")).results[0].seeds[0].addresses["score"]
    folder = forged.store / "score" / address
    manifest = json.loads((folder / "manifest.json").read_text().partition("\n")[2])
    shutil.rmtree(folder)
    lie = manifest["meta"] | {"final": manifest["meta"]["final"] | {"gaussian_correlation": 0.001}}
    ArtifactStore(forged.store).compute("score", address, manifest["description"], lambda _: lie)
    run(forged, tiny, (default_method("gd"),))
    assert read_entry(place.path("gd")).results[0].seeds[0].unlearned.effect == 0.001
    assert forged.verify("gd") == 1


def test_a_changed_effect_makes_it_unreliable_and_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    change(place.path("gd"), lambda entry: seed(entry, 1)["unlearned"].update(effect=-0.25))
    assert place.verify("gd") == 1
    entry = read_entry(place.path("gd"))
    assert entry.status == "unreliable"
    assert entry.verification is not None
    (difference,) = entry.verification.differences
    assert difference.startswith("seed 1 at 10 %, unlearned effect: -0.25 in the entry, ")
    assert difference in capsys.readouterr().out


def test_whatever_else_was_changed_is_found(place: Place) -> None:
    def edit(entry: Any) -> None:
        first, second = seed(entry, 0), seed(entry, 1)
        first["poisoned"]["effect"] = 9.0
        first["unlearned"]["accuracy"] = 1.0
        first["cost"]["explained"] = False
        second["unlearned"]["extra"]["accuracy/forget"] = 0.5
        second["cost"].update(forward_passes=0.0, passes=second["cost"]["backward_passes"])
        entry["method"]["title"] = "Another"
        entry["effect"]["lower_bound"] = -99.0

    change(place.path("gd"), edit)
    assert place.verify("gd") == 1
    verification = read_entry(place.path("gd")).verification
    assert verification is not None
    told = [
        "the ledger of the entry does not explain",
        "effect differs from",
        "method differs from",
        "seed 0 at 10 %, unlearned accuracy: 1 in",
        "seed 0 at 10 %, poisoned effect: 9 in",
        "seed 1 at 10 %, unlearned accuracy/forget: 0.5",
        "seed 1 at 10 %, forward_passes: 0 in",
    ]
    assert len(verification.differences) == len(told)
    for difference, words in zip(verification.differences, told, strict=True):
        assert words in difference


def test_a_diverged_entry_stays_so_and_is_confirmed(place: Place) -> None:
    (name,) = [entry.method.name for entry in read_entries(place.entries) if entry.status == "diverged"]
    assert place.verify(name) == 0
    entry = read_entry(place.path(name))
    assert entry.status == "diverged"
    assert entry.verification is not None


def test_one_that_claims_to_have_diverged_and_does_not_is_told_apart(place: Place) -> None:
    def diverge(entry: Any) -> None:
        seed(entry, 0)["unlearned"].update(effect=None, accuracy=None, extra={})
        entry["status"] = "diverged"

    change(place.path("gd"), diverge)
    assert place.verify("gd") == 1
    entry = read_entry(place.path("gd"))
    assert entry.verification is not None
    assert "seed 0 at 10 %, unlearned effect: none in the entry" in entry.verification.differences[0]


@pytest.mark.parametrize("anchor", ["retrain", "sham"])
def test_anchors_can_be_verified(place: Place, anchor: str) -> None:
    assert place.verify(anchor) == 0
    assert read_entry(place.path(anchor)).status == "verified"


def test_a_method_with_another_answer_each_time_is_unreliable(
    place: Place, tiny: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(WAVERING)
    run(place, tiny, choose_methods([f"{tmp_path / 'mine.py'}:Wavering"], None) or ())
    assert place.verify("wavering") == 1
    entry = read_entry(place.path("wavering"))
    assert entry.status == "unreliable"
    assert entry.source is not None
    capsys.readouterr()
    kept = place.entries.parent / "submissions" / entry.source.file
    kept.write_text(WAVERING + "\n")
    assert place.verify("wavering") == 2
    assert "is not the file that was run" in capsys.readouterr().err
    kept.unlink()
    assert place.verify("wavering") == 2
    assert "wavering.py, is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda entry: entry["configuration"].update(lr_factor=3.0), "lr_factor differ"),
        (lambda entry: entry["configuration"]["poison"]["options"].update(count=1), "poison differ"),
        (lambda entry: entry["hyperparameters"].update(lr=0.5), "not the settings that its name stands for"),
        (lambda entry: entry.update(status="sure"), "status"),
    ],
)
def test_an_entry_that_cannot_be_run_again_is_refused_and_left_as_it_is(
    place: Place, edit: Callable[[Any], None], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.path("gd")
    change(path, edit)
    before = path.read_bytes()
    assert main(["verify", str(path), "--store", str(place.store), "--any-commit"]) == 2
    assert told in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_scenario_that_is_none_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    entry = read_entry(place.path("gd")).model_copy(update={"scenario": "digits-gaussian-cnn-v1.first-20-steps"})
    path = write_entry(entry, place.entries)
    assert main(["verify", str(path), "--store", str(place.store), "--any-commit"]) == 2
    assert "its trainings were cut short" in capsys.readouterr().err


def test_other_code_than_that_of_the_entry_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(entry: Any) -> None:
        entry["provenance"].update(commit="0" * 40, dirty=False)

    change(place.path("gd"), commit)
    command = ["verify", str(place.path("gd")), "--store", str(place.store)]
    assert main(command) == 2
    assert "is not known to this checkout" in capsys.readouterr().err
    monkeypatch.setattr(module, "difference_from", lambda _: None)
    change(place.path("gd"), lambda entry: entry["provenance"].update(dirty=True))
    assert main(command) == 2
    assert "it was made with uncommitted changes" in capsys.readouterr().err
    change(place.path("gd"), commit)
    assert main(command) == 0


def test_from_scratch_uses_nothing_of_the_store(place: Place, tmp_path: Path) -> None:
    empty = Place(tmp_path / "store", place.entries)
    assert empty.verify("gd", "--from-scratch") == 0
    assert not list(empty.store.glob("*/*/manifest.json"))


def test_without_it_missing_baselines_are_computed_into_the_store(place: Place, tmp_path: Path) -> None:
    empty = Place(tmp_path / "store", place.entries)
    assert empty.verify("gd") == 0
    assert {path.parts[-3] for path in empty.store.glob("*/*/manifest.json")} == {"craft", "train"}


@pytest.mark.parametrize("reason", ["SubmissionError: it was killed", "OSError: no space left on device"])
def test_a_run_without_a_result_tells_on_the_entry_only_where_the_method_is_to_blame(
    place: Place, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = (Failure("seed 0 / unlearn gd", reason), Failure("its score", "needs 'unlearn', which failed"))
    monkeypatch.setattr(module, "compute", lambda *_, **__: Computed((), failures, {}))
    assert place.verify("gd") == 1
    entry = read_entry(place.path("gd"))
    if reason.startswith("OSError"):
        assert (entry.status, entry.verification) == ("claimed", None)
    else:
        assert entry.status == "unreliable"
        assert entry.verification is not None
        assert entry.verification.differences == [f"seed 0 / unlearn gd: no result in the second run: {reason}"]


def test_the_published_table_follows(place: Place) -> None:
    table, _ = render_published(place.entries)
    assert place.verify("gd") == 0
    assert "verified" in table.read_text()


def test_entries_elsewhere_than_their_place_are_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    other = place.entries / "digits-gaussian-cnn-v1" / "other.json"
    shutil.copyfile(place.path("gd"), other)
    assert main(["verify", str(other), "--store", str(place.store), "--any-commit"]) == 2
    assert "must lie at" in capsys.readouterr().err
