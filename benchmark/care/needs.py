"""What the graph of some scenarios would look up, told without computing anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.address import plain
from benchmark.care.family import CLEAN, part
from benchmark.care.shelf import Shelf
from benchmark.graph import Task
from benchmark.methods import default_method, fitted
from benchmark.pipeline import build_tasks
from benchmark.scenario import Scenario
from benchmark.scenarios import SUITES, all_scenarios, get_scenarios, suite_scenarios
from benchmark.store import Artifact
from benchmark.tuning import TUNED_FILE, TunedFile, read_tuned
from benchmark.tuning.rows import with_tuned
from datamodules import UnknownNameError
from lightning_modules import UNLEARNERS


@dataclass(frozen=True)
class Needs:
    """What scenarios need of a store.

    Attributes:
        addresses: of artifacts that would be looked up, whether they are there or not.
        complete: whether every poisoned set and trained network is there; where one is missing, the addresses of what
            is made from it cannot be told.
    """

    addresses: frozenset[str]
    complete: bool


def chosen_scenarios(names: Sequence[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of suites and of names of scenarios, each once.

    Raises:
        ValueError: if none is named, or a name is neither a suite nor a scenario.
    """
    if not names:
        raise ValueError("--keep must name at least one suite or scenario, got none")
    found: dict[str, Scenario] = {}
    for name in names:
        try:
            scenarios = suite_scenarios(name) if name in SUITES else get_scenarios(name)
        except UnknownNameError as error:
            raise UnknownNameError("suite or scenario", name, [*SUITES, *all_scenarios()]) from error
        found |= {scenario.name: scenario for scenario in scenarios}
    return tuple(found.values())


def needs_of(scenarios: Iterable[Scenario], shelf: Shelf) -> Needs:
    """Return what scenarios need, with their own seeds and budgets and every shipped method, by default and as tuned.

    A scenario of whose corpus the store holds nothing needs nothing of it; its corpus is not loaded.

    Raises:
        CorpusUnavailableError: if a corpus that the store has artifacts of cannot be loaded.
    """
    found: dict[str, str] = {}
    complete = True
    tuned = read_tuned() if TUNED_FILE.exists() else TunedFile()
    for scenario in scenarios:
        if not _has_something(scenario, shelf):
            complete = False
            continue
        shipped = [default_method(name) for name in UNLEARNERS.all()]
        rows, _ = with_tuned(scenario.name, shipped, "both", tuned, scenario.seeds)
        methods = [fitted(method, scenario.lr_factor) for method in rows]
        tasks, _ = build_tasks(scenario, scenario.corpus.load(), methods, scenario.budgets, scenario.seeds)
        found |= _walk(tasks, shelf)
    complete &= all(_there(address, shelf) for address, stage in found.items() if stage in ("craft", "train"))
    return Needs(frozenset(found), complete)


def _has_something(scenario: Scenario, shelf: Shelf) -> bool:
    corpus: Mapping[str, Any] = plain(scenario.corpus)
    from_surrogates = scenario.poison.build().needs_surrogate
    for item in shelf.items:
        if item.stage == "craft" and part(item.description, "config", "corpus") == corpus:
            return True
        if from_surrogates and item.stage == "train" and str(item.description.get("data")).startswith(CLEAN):
            return True
    return False


def _walk(tasks: Iterable[Task], shelf: Shelf) -> dict[str, str]:
    """Return the stages of the addresses that can be told."""
    found: dict[str, str] = {}
    done: dict[str, Artifact] = {}
    for task in tasks:
        try:
            call = task.prepare({need: done[need] for need in task.needs})
        except KeyError:
            continue
        found[call.address] = call.stage
        item = shelf.get(call.address)
        if item is not None and item.fault is None:
            done[task.key] = Artifact(item.stage, item.address, item.folder, item.meta)
    return found


def _there(address: str, shelf: Shelf) -> bool:
    item = shelf.get(address)
    return item is not None and item.fault is None
