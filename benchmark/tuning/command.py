"""Tunes methods for scenarios: everything between the command line and the file of tuned settings."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from benchmark.executors import LocalExecutor
from benchmark.graph import Failure, run_graph
from benchmark.methods import Method, fitted
from benchmark.progress import QUIET_INTERVAL_S, Display
from benchmark.scenario import Scenario
from benchmark.store import Artifact, ArtifactStore
from benchmark.tuning.pair import Experiment, Pair, baseline_tasks, tune_pair
from benchmark.tuning.spaces import space_of
from benchmark.tuning.study import require_optuna
from benchmark.tuning.tuned import TUNED_FILE, read_to_add, record

TUNING_SEEDS = (1000, 1001)
"""Seeds of the experiments on which settings are tried; no scenario scores on them."""


@dataclass(frozen=True)
class TuneRequest:
    """What is to be tuned.

    Attributes:
        scenarios: as they stand.
        methods: at their defaults.
        trials: settings tried for each, the defaults among them.
        seeds: of the experiments they are tried on.
        budget: fraction of training, or None for the largest of each scenario's own.
    """

    scenarios: tuple[Scenario, ...]
    methods: tuple[Method, ...]
    trials: int = 12
    seeds: tuple[int, ...] = TUNING_SEEDS
    budget: float | None = None

    def check(self) -> None:
        """Check that it can be done.

        Raises:
            ValueError: if Optuna is missing, there is nothing to try, or a scenario scores on a tuning seed.
        """
        require_optuna()
        if self.trials < 1:
            raise ValueError(f"--trials must be at least 1, got {self.trials}")
        for scenario in self.scenarios:
            shared = sorted(set(self.seeds) & set(scenario.seeds))
            if shared:
                raise ValueError(f"--seeds must be none that {scenario.name} scores on, got {shared[0]}")
        for pair in self.pairs():
            space_of(pair.method)

    def pairs(self) -> list[Pair]:
        """Return every method in every scenario."""
        seeds = tuple(sorted(set(self.seeds)))
        return [
            Pair(scenario, fitted(method, scenario.lr_factor), seeds, self.budget or max(scenario.budgets))
            for scenario in self.scenarios
            for method in self.methods
        ]


@dataclass(frozen=True)
class TunePlaces:
    """Where things go.

    Attributes:
        store: artifacts, trials among them.
        file: the tuned settings.
        workers: number of processes, or None for one per core or GPU.
    """

    store: Path
    file: Path = TUNED_FILE
    workers: int | None = None


def tune(request: TuneRequest, places: TunePlaces, console: Console) -> list[Failure]:
    """Tune every pair and write each result into the file as it comes; what is in the store is not tried again.

    Returns:
        the failures; whatever did not fail is in the file.

    Raises:
        ValueError: if the request cannot be carried out, or the file is not valid.
        StoreError: if the store cannot be used.
    """
    request.check()
    pairs = request.pairs()
    base = read_to_add(places.file).version
    store = ArtifactStore(places.store)
    store.sweep()
    with LocalExecutor(places.store, places.workers, torch.cuda.device_count()) as executor:
        tasks = [task for scenario in request.scenarios for task in baseline_tasks(scenario, request.seeds)]
        console.print(f"{len(tasks)} poisons and trainings on the tuning seeds first", highlight=False)
        with Display([task.stage for task in tasks], executor.slots, console) as display:
            artifacts, failures = run_graph(tasks, store, executor, display)
        broken = {failure.key.partition(" / ")[0] for failure in failures}
        ready = [pair for pair in pairs if pair.scenario.name not in broken]
        progress = _Progress(len(ready) * request.trials, console, places.file)
        failures += _tune_all(ready, request.trials, artifacts, _Hands(store, executor, places.file, base), progress)
    return failures


@dataclass(frozen=True)
class _Hands:
    store: ArtifactStore
    executor: LocalExecutor
    file: Path
    base: int


def _tune_all(
    pairs: Sequence[Pair], trials: int, artifacts: dict[str, Artifact], hands: _Hands, progress: "_Progress"
) -> list[Failure]:
    failures = []
    threads = ThreadPoolExecutor(hands.executor.slots)
    try:
        running = {
            threads.submit(
                tune_pair, pair, Experiment(pair, artifacts, hands.store, hands.executor), trials, progress.tried
            ): pair
            for pair in pairs
        }
        for future in as_completed(running):
            pair = running[future]
            error = future.exception()
            if error is not None:
                failures.append(Failure(pair.key, f"{type(error).__name__}: {' '.join(str(error).split())}"))
                continue
            found = future.result()
            record(hands.file, pair.scenario.name, pair.method.name, found, hands.base)
            progress.say(
                f"{pair.key}: {found.default_objective:.3g} at its defaults, {found.objective:.3g} with "
                + ", ".join(f"{name}={value}" for name, value in found.settings.items())
            )
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
    return failures


class _Progress:
    """A line now and then: trials done, and an estimate of the time that is left."""

    def __init__(self, total: int, console: Console, file: Path) -> None:
        self._total = total
        self._done = 0
        self._console = console
        self._began = self._last = time.monotonic()
        self._lock = threading.Lock()
        self.say(f"{total} trials; results go to {file}")

    def tried(self) -> None:
        """Count a trial."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            due = now - self._last >= QUIET_INTERVAL_S
            if due:
                self._last = now
        if due:
            left = (now - self._began) / self._done * (self._total - self._done)
            self.say(f"{self._done}/{self._total} trials done; about {left / 60:.0f} min left")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
