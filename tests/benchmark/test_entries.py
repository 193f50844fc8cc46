from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.entries import build_entries, publish_entry
from benchmark.isolation import Submission
from benchmark.methods import Method, default_method
from benchmark.pipeline import build_tasks
from benchmark.scenarios import get_scenarios
from benchmark.store import Artifact
from datamodules import load_corpus
from leaderboard import Entry, read_entry, residual
from lightning_modules import MethodCard

DIGITS = get_scenarios("digits-gaussian-cnn-v1")[0]
EFFECTS = {"poisoned": 1.0, "retrain": 0.1, "second_retrain": 0.05, "gd": 0.8, "sham": 0.95}


def cost(passes: float) -> dict[str, Any]:
    return {
        "forward_passes": passes / 4,
        "backward_passes": passes * 3 / 4,
        "passes": passes,
        "training_passes": 1000.0,
        "wall_clock_s": 1.0,
        "peak_memory_bytes": None,
        "flops": 1.0,
        "device": "cpu",
        "stopped_by_budget": False,
    }


def made_up(
    seeds: tuple[int, ...],
    budget: float = 0.1,
    diverged: bool = False,
    methods: list[Method] | None = None,
    **unlearned: Any,
) -> list[Entry]:
    """Entries from artifacts whose numbers are known: effect by name, moved by the seed."""
    methods = methods or [default_method("gd")]
    tasks, cells = build_tasks(DIGITS, load_corpus("digits"), methods, (budget,), seeds)
    artifacts: dict[str, Artifact] = {}
    for task in tasks:
        seed = int(task.key.split("seed ")[1].split()[0])
        artifacts[task.key] = Artifact(
            task.stage, task.key, Path("nowhere"), meta(task.key, task.stage, seed, diverged)
        )
    for key, artifact in artifacts.items():
        if " unlearn gd /" in key and artifact.stage == "unlearn":
            changed = {"cost": cost(90.0) | unlearned.get("cost", {}), "protection": unlearned.get("protection")}
            found = {name: value for name, value in changed.items() if value is not None}
            artifacts[key] = replace(artifact, meta=found)
    return list(build_entries(DIGITS, methods, (budget,), cells, artifacts))


def meta(key: str, stage: str, seed: int, diverged: bool) -> Mapping[str, Any]:
    if stage == "score":
        name = next(name for name in (*list(EFFECTS)[::-1],) if f" {name} /" in key)
        if diverged and name == "gd":
            return {"final": None}
        final = {"gaussian_correlation": EFFECTS[name] + 0.01 * seed, "accuracy/test": 0.9, "gaussian/z": 5.0}
        return {"final": final}
    if stage == "craft":
        return {"poisoned": f"data {seed}", "retain": "r", "forget": "f", "corpus": "c"}
    if stage == "train":
        return {
            "forward_passes": 250.0,
            "backward_passes": 750.0,
            "passes": 1000.0,
            "wall_clock_s": 9.0,
            "device": "cpu",
        }
    return {"cost": cost(90.0)} if stage == "unlearn" else {}


def by_method(entries: list[Entry]) -> dict[str, Entry]:
    return {entry.method.name: entry for entry in entries}


def test_each_number_is_where_its_name_says() -> None:
    entries = by_method(made_up((0, 1)))
    assert set(entries) == {"no_unlearning", "retrain", "sham", "gd"}
    seed = entries["gd"].results[0].seeds[1]
    assert (seed.seed, seed.unlearned.effect) == (1, pytest.approx(0.81))
    assert seed.poisoned.effect == pytest.approx(1.01)
    assert seed.retrain.effect == pytest.approx(0.11)
    assert seed.second_retrain.effect == pytest.approx(0.06)
    assert seed.unlearned.accuracy == 0.9
    assert seed.unlearned.extra == {"gaussian/z": 5.0}
    assert seed.cost.passes == 90
    assert entries["retrain"].results[0].seeds[0].cost.passes == 1000
    assert entries["no_unlearning"].results[0].seeds[0].cost.passes == 0


def test_residuals_follow_the_definition() -> None:
    seeds = by_method(made_up((0, 1, 2)))["gd"].results[0].seeds
    effects = [[getattr(seed, name).effect for seed in seeds] for name in ("unlearned", "poisoned", "retrain")]
    found = residual(*effects)
    assert found.interval is not None
    assert found.interval.estimate == pytest.approx((0.8 - 0.1) / (1.0 - 0.1))


def test_a_diverged_method_is_reported_as_diverged() -> None:
    entry = by_method(made_up((0,), diverged=True))["gd"]
    assert entry.status == "diverged"
    assert entry.results[0].seeds[0].unlearned.effect is None


def test_time_that_the_ledger_does_not_explain_makes_an_entry_unreliable() -> None:
    times = {"cpu_s": 9.0, "allowed_s": 2.0}
    entry = by_method(made_up((0,), cost=times | {"explained": False}))["gd"]
    assert entry.status == "unreliable"
    assert entry.results[0].seeds[0].cost.allowed_s == 2.0
    assert by_method(made_up((0,), cost=times | {"explained": True}))["gd"].status == "claimed"
    assert by_method(made_up((0,), diverged=True, cost=times | {"explained": False}))["gd"].status == "diverged"


def test_a_submission_is_named_with_its_file_and_what_kept_it_apart() -> None:
    card = MethodCard("gd", "Mine", "p", "f", "s")
    submission = Submission("/x/gd.py:Mine", "gd.py", "Mine", "0" * 64, "digest", card, {}, ("image",), b"")
    method = Method("/x/gd.py:Mine", "gd", "Mine", {}, submission)
    walls = {"kind": "process", "memory_limit_bytes": 5, "detail": "none"}
    entry = by_method(made_up((0,), methods=[method], protection=walls))["gd"]
    assert entry.source is not None
    assert (entry.source.file, entry.source.class_name, entry.source.sha256) == ("gd.py", "Mine", "0" * 64)
    assert entry.protection.model_dump() == walls
    assert entry.method.title == "Mine"
    shipped = by_method(made_up((0,)))["gd"]
    assert shipped.source is None
    assert shipped.protection.kind == "shipped"
    assert shipped.provenance.fingerprints["code"] != entry.provenance.fingerprints["code"]


def test_a_seed_whose_baseline_diverged_is_left_out() -> None:
    methods = [default_method("gd")]
    tasks, cells = build_tasks(DIGITS, load_corpus("digits"), methods, (0.1,), (0, 1))
    artifacts = {}
    for task in tasks:
        facts = meta(task.key, task.stage, 0, diverged=False)
        if "seed 1 / train / poisoned / score" in task.key:
            facts = {"final": None}
        artifacts[task.key] = Artifact(task.stage, task.key, Path("nowhere"), facts)
    entries = by_method(list(build_entries(DIGITS, methods, (0.1,), cells, artifacts)))
    assert [seed.seed for seed in entries["gd"].results[0].seeds] == [0]


def test_entries_of_other_code_are_not_merged(tmp_path: Path) -> None:
    publish_entry(by_method(made_up((0,)))["gd"], tmp_path)
    second = by_method(made_up((1,)))["gd"]
    fingerprints = second.provenance.fingerprints | {"code": "other"}
    source = second.provenance.model_copy(update={"fingerprints": fingerprints})
    path = publish_entry(second.model_copy(update={"provenance": source}), tmp_path)
    assert [seed.seed for seed in read_entry(path).results[0].seeds] == [1]


def test_provenance_names_the_data_of_every_seed() -> None:
    fingerprints = by_method(made_up((0, 3)))["gd"].provenance.fingerprints
    assert len(fingerprints.pop("code")) == 64
    assert fingerprints == {"corpus": "c", "seed 0": "data 0", "seed 3": "data 3"}


def test_other_seeds_and_budgets_of_the_same_experiment_join_an_entry(tmp_path: Path) -> None:
    for entries in (made_up((0,)), made_up((1,)), made_up((1,), budget=0.05)):
        path = publish_entry(by_method(entries)["gd"], tmp_path)
    results = read_entry(path).results
    assert [(result.budget, [seed.seed for seed in result.seeds]) for result in results] == [(0.05, [1]), (0.1, [0, 1])]
    assert set(read_entry(path).provenance.fingerprints) == {"code", "corpus", "seed 0", "seed 1"}


def test_other_settings_replace_an_entry(tmp_path: Path) -> None:
    entry = by_method(made_up((0,)))["gd"]
    publish_entry(entry, tmp_path)
    other = by_method(made_up((1,)))["gd"].model_copy(update={"hyperparameters": {"lr": 1.0}})
    path = publish_entry(other, tmp_path)
    assert [seed.seed for seed in read_entry(path).results[0].seeds] == [1]


def test_a_seed_without_baselines_is_left_out() -> None:
    methods = [default_method("gd")]
    tasks, cells = build_tasks(DIGITS, load_corpus("digits"), methods, (0.1,), (0, 1))
    artifacts = {
        task.key: Artifact(task.stage, task.key, Path("nowhere"), meta(task.key, task.stage, 0, diverged=False))
        for task in tasks
        if "seed 1 / train / retrain" not in task.key
    }
    entries = by_method(list(build_entries(DIGITS, methods, (0.1,), cells, artifacts)))
    assert [seed.seed for seed in entries["gd"].results[0].seeds] == [0]


def test_a_scenario_that_was_cut_short_has_another_name() -> None:
    methods = [default_method("gd")]
    tasks, cells = build_tasks(replace(DIGITS), load_corpus("digits"), methods, (0.1,), (0,), max_train_steps=5)
    artifacts = {
        task.key: Artifact(task.stage, task.key, Path("nowhere"), meta(task.key, task.stage, 0, diverged=False))
        for task in tasks
    }
    (entry, *_) = build_entries(DIGITS, methods, (0.1,), cells, artifacts, name="digits-gaussian-cnn-v1.first-5-steps")
    assert entry.scenario == "digits-gaussian-cnn-v1.first-5-steps"
