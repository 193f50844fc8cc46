"""Boards: everything a table of one scenario and budget says, as numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leaderboard.entry import Entry, SeedResult
from leaderboard.notes import take_notes
from leaderboard.ranking import rank_methods
from leaderboard.row import Row, baseline_row, effects, entry_row, missing_row
from leaderboard.statistics import Interval, noise_floor, paired_interval, residual

ANCHORS = ("no_unlearning", "retrain", "sham")
"""The fixed references of every table, in the order in which they are printed, above the methods."""

DEFINING = ("no_unlearning", "retrain")
"""Anchors whose residual is 1 and 0 by construction: their models are baselines of every entry."""


@dataclass(frozen=True, slots=True)
class Board:
    """One scenario at one budget.

    Attributes:
        entry: the reference: the entry whose baselines the board quotes (most seeds, then verified, then by
            name).
        budget: fraction of the training passes, in (0, 1].
        took: whether the poisoned model shows the effect; None for one seed.
        poisoned: mean effect of the poisoned models.
        retrain: mean effect of the retrain baselines.
        difference: E(poisoned) - E(retrain) with its paired interval.
        floor: noise floor; infinite if unknown.
        null: mean and standard deviation of the effect over both retrains of all seeds: what a model shows
            that never saw the poison.
        seeds: of the reference.
        devices: names of the devices that entries were made on.
        entries: number of entries, anchors included.
        anchors: the three anchors in fixed order, then any other anchor by name.
        methods: unlearners by rank, then those that are not ranked: unreliable entries, and all of them where the
            attack did not take or one seed cannot say.
        notes: what a reader should know before comparing.
    """

    entry: Entry
    budget: float
    took: bool | None
    poisoned: float
    retrain: float
    difference: Interval
    floor: float
    null: tuple[float, float]
    seeds: tuple[int, ...]
    devices: tuple[str, ...]
    entries: int
    anchors: tuple[Row, ...]
    methods: tuple[Row, ...]
    notes: tuple[str, ...]


def build_boards(entries: Iterable[Entry]) -> list[Board]:
    """Return one board per scenario and budget, in that order, whatever the order of ``entries``.

    A budget that only anchors have gets a board only in a scenario without unlearners.

    Raises:
        ValueError: if two entries have the same scenario and method.
    """
    scenarios: dict[str, dict[str, Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.scenario, entry.method.name)):
        methods = scenarios.setdefault(entry.scenario, {})
        if methods.setdefault(entry.method.name, entry) is not entry:
            raise ValueError(f"entries must differ, got {entry.method.name} in {entry.scenario} twice")
    boards = []
    for methods in scenarios.values():
        unlearners = [entry for entry in methods.values() if entry.method.kind == "unlearner"]
        budgets = {result.budget for entry in unlearners or methods.values() for result in entry.results}
        boards += [_build(list(methods.values()), budget) for budget in sorted(budgets)]
    return boards


def _build(entries: Sequence[Entry], budget: float) -> Board:
    results = {
        entry.method.name: (entry, result.seeds)
        for entry in entries
        for result in entry.results
        if result.budget == budget
    }
    reference, seeds = min(
        results.values(), key=lambda one: (-len(one[1]), one[0].status != "verified", one[0].method.name)
    )
    poisoned, retrain, second = (effects(seeds, role) for role in ("poisoned", "retrain", "second_retrain"))
    floor = noise_floor(second, poisoned, retrain)
    took = residual(poisoned, poisoned, retrain).took
    rows = [entry_row(entry, budget, own, floor) for entry, own in results.values()]
    anchors = _anchors([row for row in rows if row.kind == "anchor"], reference.scenario, budget, seeds)
    return Board(
        entry=reference,
        budget=budget,
        took=took,
        poisoned=float(np.mean(poisoned)),
        retrain=float(np.mean(retrain)),
        difference=paired_interval(np.subtract(poisoned, retrain)),
        floor=floor,
        null=(float(np.mean(retrain + second)), float(np.std(retrain + second, ddof=1))),
        seeds=tuple(seed.seed for seed in seeds),
        devices=tuple(sorted({entry.provenance.device for entry, _ in results.values()})),
        entries=len(results),
        anchors=anchors,
        methods=_ranked([row for row in rows if row.kind == "unlearner"], took=took),
        notes=tuple(take_notes(reference, seeds, list(results.values()), anchors)),
    )


def _anchors(rows: Sequence[Row], scenario: str, budget: float, seeds: Sequence[SeedResult]) -> tuple[Row, ...]:
    run = {row.name: replace(row, verdict="by construction") if row.name in DEFINING else row for row in rows}
    for name in ANCHORS:
        if name not in run and name in DEFINING:
            run[name] = baseline_row(scenario, name, budget, seeds)
        elif name not in run:
            run[name] = missing_row(scenario, name, budget)
    others = sorted(run.keys() - set(ANCHORS))
    return tuple(run[name] for name in (*ANCHORS, *others))


def _ranked(rows: Sequence[Row], *, took: bool | None) -> tuple[Row, ...]:
    contenders = [row.contender for row in rows if row.contender and row.status != "unreliable"]
    ranks = rank_methods(contenders) if took else {}
    rows = [replace(row, rank=ranks.get(row.name)) for row in rows]
    return tuple(sorted(rows, key=_place))


def _place(row: Row) -> tuple[bool, int, int, float, str]:
    first, last = (row.rank.first, row.rank.last) if row.rank else (0, 0)
    return row.rank is None, first, last, row.contender.distance if row.contender else 0.0, row.name
