"""``python -m benchmark craft``: a poison as images and files."""

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmark.executors import LocalExecutor
from benchmark.export import export_poison, read_poison
from benchmark.graph import Failure, run_graph
from benchmark.pipeline import craft_tasks
from benchmark.progress import Display
from benchmark.run import Places
from benchmark.scenario import PoisonSpec, Scenario
from benchmark.store import ArtifactStore
from datamodules import Poison


def with_poison(scenario: Scenario, plugin: type[Poison] | None, settings: Mapping[str, Any]) -> Scenario:
    """Return the scenario with another poison.

    Raises:
        ValueError: if the poison refuses the settings or lies outside the package.
    """
    if plugin is None:
        return scenario
    if not plugin.__module__.startswith("datamodules.poisons."):
        raise ValueError(f"{plugin.__name__} must lie in datamodules/poisons/, got {inspect.getfile(plugin)}")
    plugin(**settings)
    return dataclasses.replace(scenario, poison=PoisonSpec(plugin.name, dict(settings)))


def craft_poison(scenario: Scenario, seed: int, places: Places, console: Console) -> list[Failure]:
    """Craft through the store, then write images and files to the output; return the failures."""
    store = ArtifactStore(places.store)
    store.sweep()
    corpus = scenario.corpus.load()
    tasks = craft_tasks(scenario, corpus, seed)
    with (
        LocalExecutor(places.store, places.workers, torch.cuda.device_count()) as executor,
        Display([task.stage for task in tasks], executor.slots, console) as display,
    ):
        artifacts, failures = run_graph(tasks, store, executor, display)
    crafted = artifacts.get(tasks[-1].key)
    if crafted is not None:
        export_poison(crafted.folder, corpus, places.output)
        samples = crafted.meta["samples"]
        console.print(
            f"{scenario.poison.name}: {samples['poisons']} poisons of {samples['poisoned']} training samples; "
            f"table, samples and artifact: {places.output}"
        )
    return failures


def load_poison(scenario: Scenario, folder: Path, output: Path, console: Console) -> None:
    """Check a poison made elsewhere against the scenario's corpus, and draw it.

    Raises:
        PoisonFileError: if it does not fit.
    """
    corpus = scenario.corpus.load()
    poisoning = read_poison(folder, corpus)
    changed = int((poisoning.target != corpus.train.target[poisoning.base]).sum())
    console.print(
        f"{folder}: {len(poisoning)} poisons, {changed} with another label, secrets: {sorted(poisoning.secrets)}"
    )
    for key, value in sorted(poisoning.preprocessing.items()):
        console.print(f"  {key}: {value}")
    export_poison(folder, corpus, output)
    console.print(f"samples and table: {output}")
