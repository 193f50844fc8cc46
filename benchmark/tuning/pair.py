"""One method in one scenario: the experiments of the tuning seeds, and the search on them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

from benchmark.calls import Call
from benchmark.graph import Executor, Task
from benchmark.methods import Method, Setting
from benchmark.pipeline import Cell, build_tasks
from benchmark.scenario import Scenario
from benchmark.stages.craft import CraftConfig
from benchmark.store import Artifact, ArtifactStore
from benchmark.tuning.criterion import DIVERGED, Reference, Visible, objective
from benchmark.tuning.measure import read_visible, trained_call, trial_call
from benchmark.tuning.spaces import space_of
from benchmark.tuning.study import best, search
from benchmark.tuning.tuned import TunedMethod
from datamodules import derive_seed


class Told(Protocol):
    """Is called after every trial."""

    def __call__(self) -> None:
        """Count a trial."""
        ...


@dataclass(frozen=True)
class Pair:
    """A method in a scenario.

    Attributes:
        scenario: as it stands.
        method: fitted to the scenario.
        seeds: of tuning.
        budget: fraction of the poisoned model's training.
    """

    scenario: Scenario
    method: Method
    seeds: tuple[int, ...]
    budget: float

    @property
    def key(self) -> str:
        """What progress and failures call it."""
        return f"{self.scenario.name} / {self.method.name}"


def baseline_tasks(scenario: Scenario, seeds: Sequence[int]) -> list[Task]:
    """Return what has to be trained before anything is tried: surrogates, poison, poisoned model and one retrain.

    Nothing of it is scored: scoring reads the audit secrets.
    """
    tasks, cells = build_tasks(scenario, scenario.corpus.load(), [], (), tuple(seeds))
    by_key = {task.key: task for task in tasks}
    wanted: set[str] = set()
    pending = [cell.models[name][0] for cell in cells for name in ("poisoned", "retrain")]
    while pending:
        key = pending.pop()
        wanted.add(key)
        pending += by_key[key].needs
    return [task for task in tasks if task.key in wanted]


class Experiment:
    """Tries settings of a pair on trained baselines.

    Args:
        pair: what is tuned.
        baselines: artifacts of :func:`baseline_tasks`, by key.
        store: where trials are kept: one that is there is not run again.
        executor: runs the others.
    """

    def __init__(self, pair: Pair, baselines: Mapping[str, Artifact], store: ArtifactStore, executor: Executor) -> None:
        self._pair = pair
        self._baselines = baselines
        self._store = store
        self._executor = executor
        self._corpus = pair.scenario.corpus.load()
        self._network = pair.scenario.network_spec(self._corpus)

    def references(self) -> list[Reference]:
        """Measure poisoned model and retrain of each seed.

        Raises:
            RuntimeError: if one of them diverged.
        """
        _, cells = self._graph(self._pair.method)
        names = ("poisoned", "retrain")
        calls = [self._trained(cell, name) for cell in cells for name in names]
        found = self._all(calls)
        measured = [network for network in found if network is not None]
        if len(measured) < len(found):
            raise RuntimeError("a poisoned model or a retrain of the tuning seeds diverged")
        return [Reference(*measured[start : start + 2]) for start in range(0, len(measured), 2)]

    def unlearned(self, settings: Mapping[str, Setting]) -> list[Visible | None]:
        """Run the method with some settings on every seed, and measure what comes out."""
        method = replace(self._pair.method, hyperparameters=dict(self._pair.method.hyperparameters) | dict(settings))
        tasks, cells = self._graph(method)
        by_key = {task.key: task for task in tasks}
        calls = []
        for cell in cells:
            task = by_key[cell.runs[self._pair.budget, method.name][0]]
            unlearning = task.prepare({need: self._baselines[need] for need in task.needs})
            calls.append(trial_call(unlearning, self._network, self._baselines[cell.crafted], _craft(cell)))
        return self._all(calls)

    def _graph(self, method: Method) -> tuple[list[Task], list[Cell]]:
        pair = self._pair
        return build_tasks(pair.scenario, self._corpus, [method], (pair.budget,), pair.seeds)

    def _trained(self, cell: Cell, name: str) -> Call:
        model = self._baselines[cell.models[name][0]]
        return trained_call(model, self._network, self._baselines[cell.crafted], _craft(cell))

    def _all(self, calls: Sequence[Call]) -> list[Visible | None]:
        futures = [self._start(call) for call in calls]
        return [read_visible(future.result()[0]) for future in futures]

    def _start(self, call: Call) -> "Future[tuple[Artifact, bool]]":
        found = self._store.find(call.stage, call.address)
        if found is None:
            return self._executor.submit(call)
        done: Future[tuple[Artifact, bool]] = Future()
        done.set_result((found, False))
        return done


def _craft(cell: Cell) -> CraftConfig:
    scenario = cell.scenario
    return CraftConfig(scenario.corpus, scenario.poison, scenario.forget, cell.seed)


def tune_pair(pair: Pair, experiment: Experiment, trials: int, told: Told) -> TunedMethod:
    """Search, and return the best settings.

    Args:
        pair: what is tuned.
        experiment: tries settings of it.
        trials: how many, the defaults among them.
        told: called after each.
    """
    references = experiment.references()

    def evaluate(settings: Mapping[str, Setting]) -> float:
        value = objective(experiment.unlearned(settings), references)
        told()
        return value

    tried = search(
        space_of(pair.method),
        pair.method.hyperparameters,
        evaluate,
        trials=trials,
        seed=derive_seed("tune", pair.scenario.name, pair.method.name),
    )
    chosen = best(tried)
    return TunedMethod(
        settings=dict(chosen.settings),
        trials=len(tried),
        diverged=sum(trial.objective == DIVERGED for trial in tried),
        seeds=list(pair.seeds),
        budget=pair.budget,
        objective=chosen.objective,
        default_objective=tried[0].objective,
    )
