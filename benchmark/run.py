"""Runs scenarios: everything between the command line and the leaderboard."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from benchmark.entries import build_entries, has_baselines, publish_entry
from benchmark.executors import LocalExecutor
from benchmark.graph import Failure, Task, run_graph
from benchmark.methods import Method, default_methods, fitted
from benchmark.pictures import write_pictures
from benchmark.pipeline import Cell, build_tasks
from benchmark.progress import Display
from benchmark.scenario import Scenario
from benchmark.store import Artifact, ArtifactStore, StoreError
from datamodules import Corpus
from leaderboard import Entry, read_entries, render_markdown


@dataclass(frozen=True)
class Request:
    """What is to be run.

    Attributes:
        scenarios: as they stand.
        methods: the unlearners, or None for those of each scenario's modality.
        budgets: fractions of training, or None for each scenario's own.
        seeds: or None for each scenario's own.
        max_train_steps: cut every training short; the result is no score of the scenario, and named so.
    """

    scenarios: tuple[Scenario, ...]
    methods: tuple[Method, ...] | None = None
    budgets: tuple[float, ...] | None = None
    seeds: tuple[int, ...] | None = None
    max_train_steps: int | None = None


@dataclass(frozen=True)
class Places:
    """Where things go.

    Attributes:
        store: artifacts.
        output: leaderboard, entries and TensorBoard files.
        workers: number of processes, or None for one per core or GPU.
    """

    store: Path
    output: Path
    workers: int | None = None


def run(request: Request, places: Places, console: Console) -> list[Failure]:
    """Run everything that is missing, write entries, leaderboard and TensorBoard files, and print the leaderboard.

    Returns:
        the failures; whatever did not fail is in the leaderboard.

    Raises:
        StoreError: if store or output cannot be used.
        EntryError: if an earlier entry in the output cannot be read; nothing was computed then.
    """
    began = time.monotonic()
    store = ArtifactStore(places.store)
    store.sweep()
    _make(places.output)
    if (places.output / "entries").exists():
        read_entries(places.output / "entries")
    plan = [_Planned.of(scenario, request) for scenario in request.scenarios]
    tasks = [task for planned in plan for task in planned.tasks]
    gpus = torch.cuda.device_count()
    with LocalExecutor(places.store, places.workers, gpus) as executor:
        console.print(f"{len(tasks)} cells on {executor.slots} workers; results go to {places.output}", highlight=False)
        with Display([task.stage for task in tasks], executor.slots, console) as display:
            artifacts, failures = run_graph(tasks, store, executor, display)
        failures += [failure for planned in plan for failure in planned.diverged_baselines(artifacts)]
        for planned in plan:
            for entry in planned.entries(artifacts):
                publish_entry(entry, places.output / "entries")
        _write_board(places.output, console, {planned.name for planned in plan})
        failures += _draw(plan, artifacts, places.output / "tensorboard", executor)
    seconds = time.monotonic() - began
    counts = display.counts
    console.print(
        f"{counts['computed']} cells computed, {counts['cached']} from the store, {counts['failed']} failed, "
        f"in {seconds:.0f} s; leaderboard: {places.output / 'leaderboard.md'}; `make tensorboard` shows the rest",
        highlight=False,
        soft_wrap=True,
    )
    return failures


@dataclass(frozen=True)
class _Planned:
    scenario: Scenario
    name: str
    corpus: Corpus
    methods: list[Method]
    budgets: tuple[float, ...]
    tasks: list[Task]
    cells: list[Cell]

    @classmethod
    def of(cls, scenario: Scenario, request: Request) -> "_Planned":
        corpus = scenario.corpus.load()
        budgets = tuple(sorted(set(request.budgets or scenario.budgets)))
        seeds = tuple(sorted(set(request.seeds or scenario.seeds)))
        cut = request.max_train_steps
        chosen = request.methods or default_methods(scenario.modality)
        methods = [fitted(method, scenario.lr_factor) for method in chosen]
        tasks, cells = build_tasks(scenario, corpus, methods, budgets, seeds, max_train_steps=cut)
        name = scenario.name if cut is None else f"{scenario.name}.first-{cut}-steps"
        return cls(scenario, name, corpus, methods, budgets, tasks, cells)

    def diverged_baselines(self, artifacts: dict[str, Artifact]) -> Iterator[Failure]:
        for cell in self.cells:
            for model, score in cell.models.values():
                if score in artifacts and artifacts[score].meta["final"] is None:
                    yield Failure(model, "diverged: seed left out of the leaderboard")

    def entries(self, artifacts: dict[str, Artifact]) -> Iterator[Entry]:
        return build_entries(self.scenario, self.methods, self.budgets, self.cells, artifacts, name=self.name)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"output {str(folder)!r} cannot be used: {error.strerror}; name another with --output"
        ) from error


def _draw(
    plan: "list[_Planned]", artifacts: dict[str, Artifact], folder: Path, executor: LocalExecutor
) -> list[Failure]:
    drawn = {
        f"{planned.name} / seed {cell.seed} / TensorBoard": executor.start(
            write_pictures, planned.name, cell, planned.methods, artifacts, folder
        )
        for planned in plan
        for cell in planned.cells
        if has_baselines(cell, artifacts)
    }
    errors = {key: future.exception() for key, future in drawn.items()}
    return [Failure(key, f"{type(error).__name__}: {error}") for key, error in errors.items() if error is not None]


def _write_board(output: Path, console: Console, names: set[str]) -> None:
    entries = read_entries(output / "entries")
    text = render_markdown(entries)
    (output / "leaderboard.md").write_text(text)
    shown = render_markdown([entry for entry in entries if entry.scenario in names])
    console.print(shown, markup=False, highlight=False, soft_wrap=True)
