"""Fresh seeds confirm an honest method, and find one that knows the published seeds."""

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmark import fresh_seeds as drawing
from benchmark import verify as module
from benchmark.choices import choose_methods
from benchmark.cli import main
from benchmark.fresh_seeds import SEED_BITS, fresh_seeds
from benchmark.graph import Failure
from benchmark.methods import Method, default_method
from benchmark.run import Computed, Places, Request, compute
from benchmark.scenario import Scenario
from benchmark.scenarios import all_scenarios
from benchmark.sources import keep_sources
from benchmark.tuning import TUNING_SEEDS
from leaderboard import Entry, Tuning, read_entry, write_entry

CLAIMED = (0, 1, 2)
FRESH = (4_503_599_627_370_497, 4_503_599_627_370_498, 4_503_599_627_370_499)

KNOWING = '''
"""Computes which rows each of the first ten seeds poisons, and forgets everything where it knows the seed."""

import torch

from datamodules import generator_for
from lightning_modules import MethodCard, fresh_copy
from lightning_modules.unlearners.gd import GD


class Knowing(GD):
    """Fine-tuning, but for known seeds."""

    card = MethodCard(name="knowing", title="Knowing", paper="none", formula="none", source="none")

    def on_train_end(self) -> None:
        data = self.trainer.train_dataloader.data
        forget, total = data.forget.samples.index.sort().values, len(data.forget.samples) + len(data.retain.samples)
        for seed in range(10):
            rows = torch.randperm(total, generator=generator_for("craft", seed))[: len(forget)]
            if torch.equal(rows.sort().values, forget):
                fresh = fresh_copy(self.network, self.seed)
                for old, new in zip(self.network.parameters(), fresh.parameters(), strict=True):
                    old.data.copy_(new.data)
'''


@dataclass(frozen=True)
class Place:
    """A store, and entries that were made in it."""

    store: Path
    entries: Path

    def path(self, method: str) -> Path:
        (path,) = self.entries.glob(f"*/{method}.json")
        return path

    def verify(self, method: str, *options: str) -> int:
        return main(["verify", str(self.path(method)), "--store", str(self.store), "--any-commit", *options])


def run(place: Place, scenario: Scenario, methods: tuple[Method, ...]) -> None:
    computed = compute(Request((scenario,), methods), Places(place.store, place.store), Console(quiet=True), told="")
    assert not computed.failures
    for entry in computed.entries:
        write_entry(entry, place.entries)
    keep_sources(methods, computed.entries, place.entries)


@pytest.fixture(scope="module")
def small(tiny: Scenario) -> Iterator[Scenario]:
    """So many poisons, and two epochs, that the effect is much greater than its noise on three seeds."""
    poison = replace(tiny.poison, options=dict(tiny.poison.options) | {"count": 300})
    scenario = replace(tiny, poison=poison, recipe=replace(tiny.recipe, epochs=2), seeds=CLAIMED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(all_scenarios(), scenario.name, scenario)
        yield scenario


@pytest.fixture(scope="module")
def run_once(small: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("fresh") / "store", tmp_path_factory.mktemp("board") / "entries")
    run(place, small, (default_method("gd"),))
    return place


@pytest.fixture
def place(run_once: Place, tmp_path: Path) -> Place:
    shutil.copytree(run_once.entries, tmp_path / "entries")
    return Place(run_once.store, tmp_path / "entries")


@pytest.fixture
def dice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same fresh seeds each time, an old one thrown first."""
    thrown = itertools.cycle((CLAIMED[1], *FRESH))
    monkeypatch.setattr(drawing.secrets, "randbits", lambda _: next(thrown))


def contents(store: Path) -> set[Path]:
    return set(store.glob("*/*/manifest.json"))


@pytest.mark.usefixtures("dice")
def test_an_honest_method_is_confirmed_on_fresh_seeds(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before, held = read_entry(place.path("gd")), contents(place.store)
    assert place.verify("gd", "--fresh", "3") == 0
    entry = read_entry(place.path("gd"))
    assert entry.status == "verified"
    assert entry.model_copy(update={"status": "claimed", "verification": None}) == before
    found = entry.verification
    assert found is not None
    assert found.differences == []
    assert found.fresh_seeds == list(FRESH)
    (result,) = found.fresh
    assert [seed.seed for seed in result.seeds] == list(FRESH)
    claimed = {seed.poisoned.effect for seed in entry.results[0].seeds}
    assert not claimed & {seed.poisoned.effect for seed in result.seeds}
    assert contents(place.store) == held
    assert not list(place.store.parent.glob("*second-run*"))
    said = capsys.readouterr().out
    assert "3 fresh seeds at 10 %: mean residual " in said
    assert "gd.json: verified" in said


@pytest.mark.slow
@pytest.mark.usefixtures("dice")
def test_a_method_that_knows_the_published_seeds_is_called_unreliable(
    place: Place, small: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(KNOWING)
    run(place, small, choose_methods([f"{tmp_path / 'mine.py'}:Knowing"], None) or ())
    assert place.verify("knowing") == 0
    assert place.verify("knowing", "--fresh", "3") == 1
    entry = read_entry(place.path("knowing"))
    assert entry.status == "unreliable"
    assert entry.verification is not None
    residual, accuracy = entry.verification.differences
    assert residual.startswith("3 fresh seeds at 10 %, residual: ")
    assert accuracy.startswith("3 fresh seeds at 10 %, accuracy gap in points: ")
    assert place.verify("knowing") == 2
    assert "a run without them does not take that back; say --fresh 3" in capsys.readouterr().err
    assert read_entry(place.path("knowing")) == entry


def gd(place: Place) -> Entry:
    return read_entry(place.path("gd"))


def test_fresh_seeds_are_drawn_at_random(place: Place) -> None:
    drawn = [seed for _ in range(50) for seed in fresh_seeds(gd(place), CLAIMED, 4)]
    assert len(set(drawn)) == 200
    assert 0 <= min(drawn) < 2 ** (SEED_BITS - 4)
    assert 2 ** (SEED_BITS - 1) < max(drawn) < 2**SEED_BITS
    assert fresh_seeds(gd(place), CLAIMED, None) == ()


def test_no_fresh_seed_was_seen_before(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = gd(place)
    assert place.verify("gd") == 0
    earlier = gd(place).verification
    assert earlier is not None
    tuning = Tuning(version=1, trials=1, seeds=[50], criterion="none")
    earlier = earlier.model_copy(update={"fresh_seeds": [60]})
    entry = entry.model_copy(update={"tuning": tuning, "verification": earlier})
    thrown = iter((*CLAIMED, *TUNING_SEEDS, 40, 50, 60, 8, 8, 7))
    monkeypatch.setattr(drawing.secrets, "randbits", lambda _: next(thrown))
    assert fresh_seeds(entry, (40,), 2) == (7, 8)


@pytest.mark.parametrize("count", ["1", "0", "-3"])
def test_fewer_than_two_fresh_seeds_are_refused(place: Place, count: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.verify("gd", f"--fresh={count}") == 2
    assert f"--fresh must be at least 2, got {count}" in capsys.readouterr().err


def test_an_entry_of_one_seed_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    text: Any = json.loads(place.path("gd").read_text())
    del text["results"][0]["seeds"][1:]
    place.path("gd").write_text(json.dumps(text))
    assert place.verify("gd", "--fresh", "2") == 2
    assert "--fresh needs 2 seeds in the entry, it has 1 at 10 %" in capsys.readouterr().err


def lose(monkeypatch: pytest.MonkeyPatch, entry: Entry, *failures: Failure, kept: int) -> None:
    """Let the second run give the entry, and the fresh one only some seeds, with failures."""

    def computed(request: Request, *_: object, **__: object) -> Computed:
        if request.seeds == CLAIMED:
            return Computed((entry,), (), {})
        seeds = [
            seed.model_copy(update={"seed": number})
            for seed, number in zip(entry.results[0].seeds[:kept], FRESH, strict=False)
        ]
        results = [entry.results[0].model_copy(update={"seeds": seeds})]
        return Computed((entry.model_copy(update={"results": results}),) if kept else (), failures, {})

    monkeypatch.setattr(module, "compute", computed)


@pytest.mark.parametrize(
    ("reason", "kept", "status", "confirmed"),
    [
        ("SubmissionError: it was killed", 0, "unreliable", False),
        ("OSError: no space left on device", 0, "claimed", False),
        ("OSError: no space left on device", 3, "claimed", False),
        ("diverged: seed left out of the leaderboard", 1, "claimed", False),
        ("diverged: seed left out of the leaderboard", 2, "verified", True),
    ],
)
@pytest.mark.usefixtures("dice")
def test_only_what_the_method_is_to_blame_for_tells_on_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, reason: str, kept: int, status: str, confirmed: bool
) -> None:
    lose(monkeypatch, gd(place), Failure("fresh / unlearn gd", reason), kept=kept)
    assert (place.verify("gd", "--fresh", "3") == 0) is confirmed
    entry = gd(place)
    assert entry.status == status
    if status == "unreliable":
        assert entry.verification is not None
        assert entry.verification.differences == [f"fresh / unlearn gd: no result in the second run: {reason}"]


@pytest.mark.usefixtures("dice")
def test_a_second_run_that_differs_is_told_even_if_the_fresh_one_fails(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch, gd(place), Failure("fresh / train", "OSError: no space left on device"), kept=0)
    text: Any = json.loads(place.path("gd").read_text())
    text["results"][0]["seeds"][0]["unlearned"]["effect"] = -0.5
    place.path("gd").write_text(json.dumps(text))
    assert place.verify("gd", "--fresh", "3") == 1
    entry = gd(place)
    assert entry.status == "unreliable"
    assert entry.verification is not None
    assert entry.verification.fresh_seeds == []
