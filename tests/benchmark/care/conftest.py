"""A store as a run of a small scenario fills it, with made-up files: every address is real, nothing is computed."""

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmark.calls import Call
from benchmark.graph import Task
from benchmark.methods import configured_method, default_method, fitted
from benchmark.pipeline import build_tasks
from benchmark.scenario import Scenario
from benchmark.scenarios import get_scenarios
from benchmark.store import Artifact, ArtifactStore
from leaderboard.entry import (
    BudgetResult,
    Cost,
    Effect,
    Entry,
    MethodCard,
    ModelScore,
    Provenance,
    SeedResult,
)
from lightning_modules import UNLEARNERS


def made_up(call: Call) -> Callable[[Path], Mapping[str, Any]]:
    """Work that writes a small file and the facts that later stages read."""
    text = call.address

    def work(folder: Path) -> Mapping[str, Any]:
        (folder / "weights.safetensors").write_text(text)
        match call.stage:
            case "craft":
                sets = {kind: f"{kind} {text}" for kind in ("poisoned", "retain", "forget")}
                return sets | {"corpus": call.description["corpus"]}
            case "train":
                return {"passes": 100.0}
            case "score":
                return {"final": {"effect": 0.5}}
            case _:
                return {"snapshots": []}

    return work


def fill(root: Path, tasks: list[Task]) -> dict[str, Artifact]:
    store = ArtifactStore(root)
    done: dict[str, Artifact] = {}
    for task in tasks:
        call = task.prepare({need: done[need] for need in task.needs})
        done[task.key] = store.compute(call.stage, call.address, call.description, made_up(call))[0]
    return done


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """Two seeds, since what is shared and what is not shows with two."""
    (found,) = get_scenarios("digits-gaussian-cnn-v1")
    return dataclasses.replace(found, seeds=(0, 1))


@pytest.fixture(scope="session")
def filled(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Artifact]]:
    """Everything that the scenario needs, and a variant of a method that it does not: Scrub with alpha 0.5, seed 0."""
    root = tmp_path_factory.mktemp("care") / "store"
    corpus = scenario.corpus.load()
    methods = [fitted(default_method(name), scenario.lr_factor) for name in UNLEARNERS.all()]
    tasks, _ = build_tasks(scenario, corpus, methods, scenario.budgets, scenario.seeds)
    done = fill(root, tasks)
    variant = configured_method("scrub", {"alpha": 0.5})
    tasks, _ = build_tasks(scenario, corpus, [variant], scenario.budgets, (0,))
    return root, done | fill(root, tasks)


@pytest.fixture
def root(filled: tuple[Path, dict[str, Artifact]], tmp_path: Path) -> Path:
    """A copy of the store, to be damaged."""
    return Path(shutil.copytree(filled[0], tmp_path / "store"))


@pytest.fixture(scope="session")
def artifacts(filled: tuple[Path, dict[str, Artifact]]) -> dict[str, Artifact]:
    """By key, see `benchmark.pipeline`; the folders are those of the store that was copied."""
    return filled[1]


@pytest.fixture(scope="session")
def address(artifacts: dict[str, Artifact]) -> Callable[[str], str]:
    """Address of what is called so, without the scenario's name."""
    return lambda name: artifacts[f"digits-gaussian-cnn-v1 / {name}"].address


@pytest.fixture(scope="session")
def extra(address: Callable[[str], str]) -> set[str]:
    """Addresses of the variant and of its score: what no scenario needs."""
    variant = "seed 0 / unlearn scrub.alpha-0.5 / 10 %"
    return {address(variant), address(f"{variant} / score")}


@pytest.fixture
def variant_entry(address: Callable[[str], str]) -> Entry:
    """An entry of the variant's one seed."""
    variant = "seed 0 / unlearn scrub.alpha-0.5 / 10 %"
    model = ModelScore(effect=0.5, accuracy=0.7, extra={})
    cost = Cost(
        forward_passes=1.0,
        backward_passes=2.0,
        passes=3.0,
        training_passes=100.0,
        wall_clock_s=1.0,
        peak_memory_bytes=None,
        flops=None,
        device="cpu",
        stopped_by_budget=True,
    )
    seed = SeedResult(
        seed=0,
        unlearned=model,
        poisoned=model,
        retrain=model,
        second_retrain=model,
        cost=cost,
        addresses={
            "unlearn": address(variant),
            "score": address(f"{variant} / score"),
            "craft": address("seed 0 / craft"),
        },
    )
    return Entry(
        schema_version=1,
        scenario="digits-gaussian-cnn-v1",
        suite="smoke",
        modality="image",
        attack="gaussian",
        corpus="digits",
        network="small-cnn",
        method=MethodCard(name="scrub.alpha-0.5", title="SCRUB", paper="p", formula="f", source="s", kind="unlearner"),
        hyperparameters={"alpha": 0.5},
        configuration={"seeds": [0]},
        effect=Effect(name="mu", title="mean correlation", lower_bound=None, upper_bound=None),
        results=[BudgetResult(budget=0.1, seeds=[seed])],
        status="claimed",
        provenance=Provenance(
            commit="abc123",
            dirty=False,
            packages={"torch": "2.9"},
            python="3.11",
            platform="linux",
            device="cpu",
            precision="32-true",
            command="python -m benchmark run",
            created=datetime(2026, 1, 2, tzinfo=UTC),
            fingerprints={"code": "c0de", "corpus": "da7a"},
        ),
    )
