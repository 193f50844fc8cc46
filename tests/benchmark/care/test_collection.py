import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.care import Shelf, chosen_scenarios, collect, needs_of, plan_collection
from benchmark.care.collection import remove
from benchmark.scenario import Scenario
from benchmark.scenarios import get_scenarios
from benchmark.store import Artifact, ArtifactStore, StoreError
from leaderboard import Entry

OTHER = get_scenarios("grammar-trigger-tiny-v1")


def addresses(root: Path) -> set[str]:
    return {folder.name for folder in root.glob("*/*") if folder.is_dir()}


def everything(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.lstat().st_mtime_ns for path in root.rglob("*")}


def test_needs_are_exactly_what_a_run_looked_up(
    root: Path, scenario: Scenario, artifacts: dict[str, Artifact], extra: set[str]
) -> None:
    needs = needs_of([scenario], Shelf(root))
    assert needs.addresses == {artifact.address for artifact in artifacts.values()} - extra
    assert needs.complete


def test_only_what_nothing_needs_goes_and_the_rest_is_found_again(
    root: Path, scenario: Scenario, artifacts: dict[str, Artifact], extra: set[str]
) -> None:
    done = collect(root, [scenario], [])
    assert {item.address for item in done.items} == extra
    assert [item.stage for item in done.items] == ["score", "unlearn"]
    assert addresses(root) == {artifact.address for artifact in artifacts.values()} - extra
    store = ArtifactStore(root)
    for artifact in artifacts.values():
        assert (store.find(artifact.stage, artifact.address) is None) == (artifact.address in extra)


def test_lock_files_of_what_is_gone_go_too(root: Path, scenario: Scenario, extra: set[str]) -> None:
    before = {path.name for path in (root / "locks").glob("*-*.lock")}
    collect(root, [scenario], [])
    gone = before - {path.name for path in (root / "locks").glob("*-*.lock")}
    assert {name.partition("-")[2].removesuffix(".lock") for name in gone} == {address[:32] for address in extra}


def test_a_plan_changes_nothing(root: Path, scenario: Scenario, extra: set[str]) -> None:
    (root / "train" / f"{'c' * 64}.partial").mkdir()
    before = everything(root)
    plan = plan_collection(Shelf(root), [scenario], [])
    assert {item.address for item in plan.doomed} == extra
    assert len(plan.unfinished) == 1
    assert everything(root) == before


def test_what_an_entry_names_stays_with_everything_behind_it(
    root: Path, variant_entry: Entry, address: Callable[[str], str], extra: set[str]
) -> None:
    collect(root, OTHER, [variant_entry])
    models = ("train / poisoned", "train / retrain", "train / second_retrain")
    kept = {address(f"seed 0 / {model}") for model in models}
    kept |= {address(f"seed 0 / {model} / score") for model in models}
    assert addresses(root) == kept | extra | {address("seed 0 / craft")}


def test_without_entries_and_needs_everything_goes(root: Path) -> None:
    collect(root, OTHER, [])
    assert addresses(root) == set()


def test_what_was_made_from_a_lost_poison_stays_where_that_may_be_crafted_again(
    root: Path, scenario: Scenario, address: Callable[[str], str], extra: set[str]
) -> None:
    shutil.rmtree(root / "craft" / address("seed 0 / craft"))
    before = addresses(root)
    assert not needs_of([scenario], Shelf(root)).complete
    assert {item.address for item in plan_collection(Shelf(root), [scenario], []).doomed} == set()
    collect(root, [scenario], [])
    assert addresses(root) == before


def test_a_score_stays_where_its_model_is_lost_and_needed(
    root: Path, scenario: Scenario, address: Callable[[str], str], extra: set[str]
) -> None:
    model = "seed 1 / unlearn gd / 10 %"
    shutil.rmtree(root / "unlearn" / address(model))
    collect(root, [scenario], [])
    assert address(f"{model} / score") in addresses(root)
    assert not extra & addresses(root)


def test_what_another_kind_of_device_made_is_not_judged(
    root: Path, extra: set[str], scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.care.collection.device_type", lambda: "cuda")
    assert plan_collection(Shelf(root), OTHER, []).doomed == ()


def test_what_is_young_stays(root: Path, scenario: Scenario, extra: set[str]) -> None:
    assert plan_collection(Shelf(root), [scenario], [], older_than_days=1).doomed == ()
    old = min(extra)
    (folder,) = root.glob(f"*/{old}")
    os.utime(folder, (0, 0))
    assert [item.address for item in collect(root, [scenario], [], older_than_days=1).items] == [old]


def test_unfinished_work_goes_unless_it_will_be_gone_on_with(
    root: Path, scenario: Scenario, address: Callable[[str], str]
) -> None:
    wanted = address("seed 0 / unlearn gd / 10 %")
    shutil.rmtree(root / "unlearn" / wanted)
    names = {
        "unlearn": [f"{wanted}.workbench", f"{wanted}.partial", f"{'d' * 64}.workbench"],
        "train": [f"{address('seed 0 / train / poisoned')}.workbench"],
    }
    for stage, folders in names.items():
        for folder in folders:
            (root / stage / folder).mkdir()
            (root / stage / folder / "half").write_text("x")
    done = collect(root, [scenario], [])
    assert len(done.unfinished) == 3
    assert [path.name for path in root.glob("*/*.*") if path.is_dir()] == [f"{wanted}.workbench"]


def test_a_store_in_use_is_left_alone(root: Path, scenario: Scenario) -> None:
    before = addresses(root)
    in_use = ArtifactStore(root)
    with pytest.raises(StoreError, match="in use by another process"):
        collect(root, [scenario], [])
    assert addresses(root) == before
    del in_use
    assert collect(root, [scenario], []).items


def test_whoever_opens_a_store_waits_for_the_end_of_a_collection(
    root: Path, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = threading.Event()
    seen: list[bool] = []

    def open_it() -> None:
        ArtifactStore(root)
        opened.set()

    def meanwhile(*arguments: object) -> bool:
        thread = threading.Thread(target=open_it)
        thread.start()
        seen.append(opened.wait(0.2))
        return True

    monkeypatch.setattr("benchmark.care.collection.remove", meanwhile)
    collect(root, [scenario], [])
    assert seen[0] is False
    assert opened.wait(10)


def test_what_is_being_computed_is_not_removed(root: Path, extra: set[str]) -> None:
    (folder,) = root.glob(f"*/{min(extra)}")
    store = ArtifactStore(root)
    with store.lock(folder.parent.name, folder.name):
        assert not remove(root, folder)
    assert folder.exists()
    assert remove(root, folder)
    assert not list(root.glob(f"*/{folder.name}*"))


def test_work_in_progress_is_no_leftover(root: Path, scenario: Scenario) -> None:
    partial = root / "train" / f"{'c' * 64}.partial"
    partial.mkdir()
    with ArtifactStore(root).lock("train", "c" * 64):
        assert plan_collection(Shelf(root), [scenario], []).unfinished == ()
    assert plan_collection(Shelf(root), [scenario], []).unfinished == (partial,)


def test_removing_never_follows_a_link(root: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("all of it")
    link = root / "train" / ("e" * 64)
    link.symlink_to(precious)
    assert collect(root, OTHER, []).items
    assert not link.is_symlink()
    assert (precious / "thesis.tex").read_text() == "all of it"


def test_names_are_suites_or_scenarios() -> None:
    assert {scenario.suite for scenario in chosen_scenarios(["smoke"])} == {"smoke"}
    assert [scenario.name for scenario in chosen_scenarios(["digits-gaussian-cnn-v1"])] == ["digits-gaussian-cnn-v1"]
    with pytest.raises(ValueError, match="unknown suite or scenario 'smok'; did you mean 'smoke'"):
        chosen_scenarios(["smok"])
    with pytest.raises(ValueError, match="--keep must name at least one"):
        chosen_scenarios([])
