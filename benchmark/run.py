"""Runs scenarios: everything between the command line and the leaderboard."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from benchmark.sources import keep_sources
from benchmark.store import Artifact, ArtifactStore, StoreError
from benchmark.tuning.rows import Settings, with_tuned
from benchmark.tuning.tuned import TunedFile
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
        rows: names of the methods and anchors that are wanted, by scenario, or None for all; nothing else is computed.
        settings: ``default``, ``tuned`` or ``both``: which rows the methods get.
        tuned: the tuned settings.
    """

    scenarios: tuple[Scenario, ...]
    methods: tuple[Method, ...] | None = None
    budgets: tuple[float, ...] | None = None
    seeds: tuple[int, ...] | None = None
    max_train_steps: int | None = None
    rows: Mapping[str, tuple[str, ...]] | None = None
    settings: Settings = "default"
    tuned: TunedFile = field(default_factory=TunedFile)

    def check(self) -> None:
        """Check that every row can be run.

        Raises:
            ValueError: if a seed is one that settings were tuned on, or none of the methods was tuned for any scenario.
        """
        rows = [self.methods_of(scenario) for scenario in self.scenarios]
        if self.settings != "default" and not any(method.tuning for methods, _ in rows for method in methods):
            raise ValueError(f"--settings {self.settings}: none of these methods was tuned for these scenarios")

    def methods_of(self, scenario: Scenario) -> tuple[list[Method], list[str]]:
        """Return what is run in a scenario, and the names of methods that were not tuned for it.

        Raises:
            ValueError: if a seed is one that settings were tuned on.
        """
        chosen = self.methods or default_methods(scenario.modality)
        methods, untuned = with_tuned(scenario.name, chosen, self.settings, self.tuned, self.seeds or scenario.seeds)
        return [fitted(method, scenario.lr_factor) for method in methods], untuned


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


@dataclass(frozen=True)
class Computed:
    """What a run left behind.

    Attributes:
        entries: one per scenario and method, anchors among them; a method with a failed seed has none.
        failures: what was not computed, and baselines that diverged.
        counts: cells by what became of them: ``cached``, ``computed``, ``failed``.
    """

    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...]
    counts: Mapping[str, int]


def run(request: Request, places: Places, console: Console) -> list[Failure]:
    """Run everything that is missing, write entries, leaderboard and TensorBoard files, and print the leaderboard.

    Returns:
        the failures; whatever did not fail is in the leaderboard.

    Raises:
        StoreError: if store or output cannot be used.
        EntryError: if an earlier entry in the output cannot be read; nothing was computed then.
    """
    began = time.monotonic()
    store = _opened(places.store)
    entries = places.output / "entries"
    _make(places.output)
    if entries.exists():
        read_entries(entries)
    with _executor(places) as executor:
        plan, artifacts, computed = _compute(request, store, executor, console, f"results go to {places.output}")
        failures = list(computed.failures)
        for entry in computed.entries:
            publish_entry(entry, entries)
        keep_sources(request.methods or (), computed.entries, entries)
        _write_board(places.output, console, {planned.name for planned in plan})
        failures += _draw(plan, artifacts, places.output / "tensorboard", executor)
    seconds = time.monotonic() - began
    counts = computed.counts
    console.print(
        f"{counts['computed']} cells computed, {counts['cached']} from the store, {counts['failed']} failed, "
        f"in {seconds:.0f} s; leaderboard: {places.output / 'leaderboard.md'}; `make tensorboard` shows the rest",
        highlight=False,
        soft_wrap=True,
    )
    return failures


def compute(request: Request, places: Places, console: Console, *, told: str) -> Computed:
    """Run everything that is missing and return it as entries; nothing is written but the store.

    Args:
        request: what is to be run.
        places: store and number of workers; there is no output.
        console: where progress is shown.
        told: what this is for, or where results go, shown beside the number of cells.

    Raises:
        StoreError: if the store cannot be used.
    """
    store = _opened(places.store)
    with _executor(places) as executor:
        return _compute(request, store, executor, console, told)[2]


def _opened(folder: Path) -> ArtifactStore:
    store = ArtifactStore(folder)
    store.sweep()
    return store


def _executor(places: Places) -> LocalExecutor:
    return LocalExecutor(places.store, places.workers, torch.cuda.device_count())


def _compute(
    request: Request, store: ArtifactStore, executor: LocalExecutor, console: Console, told: str
) -> "tuple[list[_Planned], dict[str, Artifact], Computed]":
    plan = [_Planned.of(scenario, request) for scenario in request.scenarios]
    for planned in plan:
        if planned.untuned:
            console.print(f"not tuned for {planned.name}: {', '.join(planned.untuned)}", highlight=False)
    tasks = [task for planned in plan for task in planned.tasks]
    console.print(f"{len(tasks)} cells on {executor.slots} workers; {told}", highlight=False)
    with Display([task.stage for task in tasks], executor.slots, console) as display:
        artifacts, failures = run_graph(tasks, store, executor, display)
    failures += [failure for planned in plan for failure in planned.diverged_baselines(artifacts)]
    entries = [entry for planned in plan for entry in planned.entries(artifacts)]
    return plan, artifacts, Computed(tuple(entries), tuple(failures), display.counts)


@dataclass(frozen=True)
class _Planned:
    scenario: Scenario
    name: str
    corpus: Corpus
    methods: list[Method]
    budgets: tuple[float, ...]
    tasks: list[Task]
    cells: list[Cell]
    untuned: list[str]

    @classmethod
    def of(cls, scenario: Scenario, request: Request) -> "_Planned":
        corpus = scenario.corpus.load()
        budgets = tuple(sorted(set(request.budgets or scenario.budgets)))
        seeds = tuple(sorted(set(request.seeds or scenario.seeds)))
        cut = request.max_train_steps
        methods, untuned = request.methods_of(scenario)
        tasks, cells = build_tasks(scenario, corpus, methods, budgets, seeds, max_train_steps=cut)
        if request.rows is not None:
            tasks = _needed(tasks, cells, request.rows[scenario.name])
        name = scenario.name if cut is None else f"{scenario.name}.first-{cut}-steps"
        return cls(scenario, name, corpus, methods, budgets, tasks, cells, untuned)

    def diverged_baselines(self, artifacts: dict[str, Artifact]) -> Iterator[Failure]:
        for cell in self.cells:
            for model, score in cell.models.values():
                if score in artifacts and artifacts[score].meta["final"] is None:
                    yield Failure(model, "diverged: seed left out of the leaderboard")

    def entries(self, artifacts: dict[str, Artifact]) -> Iterator[Entry]:
        return build_entries(self.scenario, self.methods, self.budgets, self.cells, artifacts, name=self.name)


def _needed(tasks: list[Task], cells: list[Cell], rows: tuple[str, ...]) -> list[Task]:
    """Return the tasks of the baselines and of ``rows``, with all that they need, in their order."""
    keys = {key for cell in cells for pair in cell.models.values() for key in pair}
    keys |= {key for cell in cells for (_, row), pair in cell.runs.items() if row in rows for key in pair}
    for task in reversed(tasks):
        if task.key in keys:
            keys.update(task.needs)
    return [task for task in tasks if task.key in keys]


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
