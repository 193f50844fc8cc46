"""Boards: everything a table of one scenario and budget says, as numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leaderboard.audit import AuditTable, audit_tables
from leaderboard.control import find_control
from leaderboard.entry import Entry, SeedResult
from leaderboard.notes import take_notes
from leaderboard.ranking import Rank, rank_methods
from leaderboard.records import ANCHORS
from leaderboard.row import Row, baseline_row, effects, entry_row, missing_row, not_taken
from leaderboard.statistics import Interval, noise_floor, paired_interval, residual

DEFINING = ("no_unlearning", "retrain")
"""Anchors whose residual is 1 and 0 by construction: their models are baselines of every entry."""


@dataclass(frozen=True, slots=True)
class Board:
    """One scenario at one budget.

    Attributes:
        entry: the reference: the entry whose baselines the board quotes (not unreliable, a method of this
            repository, most seeds, verified, by name: in this order).
        budget: fraction of the training passes, in (0, 1].
        took: whether the poisoned model shows the effect, and more of it than that of the scenario's control, where
            it has one; None for one seed.
        poisoned: mean effect of the poisoned models.
        retrain: mean effect of the retrain baselines.
        difference: E(poisoned) - E(retrain) with its paired interval.
        floor: noise floor; infinite if unknown.
        null: mean and standard deviation of the effect over both retrains of all seeds: what a model shows
            that never saw the poison.
        seeds: of the reference.
        devices: names of the devices that entries were made on.
        entries: number of entries, anchors included.
        audits: statistics behind the effect, where entries carry them; their lines of methods in the board's order.
        anchors: the three anchors in fixed order.
        methods: unlearners by rank, then those that are not ranked: unreliable entries, and all of them where the
            attack did not take or one seed cannot say. Variants of a method stand together where they tie.
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
    audits: tuple[AuditTable, ...]
    anchors: tuple[Row, ...]
    methods: tuple[Row, ...]
    notes: tuple[str, ...]


def build_boards(entries: Iterable[Entry], context: Iterable[Entry] = ()) -> list[Board]:
    """Return one board per scenario and budget, in that order, whatever the order of ``entries``.

    A budget that only anchors have gets a board only in a scenario without unlearners.

    Args:
        entries: what the boards show.
        context: further entries, in which the controls of scenarios are looked for, too.

    Raises:
        ValueError: if two entries have the same scenario and method.
    """
    scenarios: dict[str, dict[str, Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.scenario, entry.method.name)):
        methods = scenarios.setdefault(entry.scenario, {})
        if methods.setdefault(entry.method.name, entry) is not entry:
            raise ValueError(f"entries must differ, got {entry.method.name} in {entry.scenario} twice")
    surroundings: dict[str, dict[str, Entry]] = {}
    for entry in context:
        surroundings.setdefault(entry.scenario, {})[entry.method.name] = entry
    surroundings |= scenarios
    boards = []
    for methods in scenarios.values():
        unlearners = [entry for entry in methods.values() if entry.method.kind == "unlearner"]
        budgets = {result.budget for entry in unlearners or methods.values() for result in entry.results}
        boards += [_build(list(methods.values()), budget, surroundings) for budget in sorted(budgets)]
    return boards


def _build(entries: Sequence[Entry], budget: float, scenarios: Mapping[str, Mapping[str, Entry]]) -> Board:
    results = {
        entry.method.name: (entry, result.seeds)
        for entry in entries
        for result in entry.results
        if result.budget == budget
    }
    by_weight = sorted(results.values(), key=_weight)
    reference, seeds = by_weight[0]
    poisoned, retrain, second = (effects(seeds, role) for role in ("poisoned", "retrain", "second_retrain"))
    floor = noise_floor(second, poisoned, retrain)
    took = residual(poisoned, poisoned, retrain).took
    rows = [entry_row(entry, budget, own, floor) for entry, own in results.values()]
    control = find_control(reference, seeds, scenarios)
    if control is not None and not control.beaten:
        took, rows = False, [not_taken(row) for row in rows]
    anchors = _anchors([row for row in rows if row.kind == "anchor"], reference.scenario, budget, seeds)
    methods = _ranked([row for row in rows if row.kind == "unlearner"], took=took)
    unlearned = [row for row in (*anchors, *methods) if row.name in results and row.name not in DEFINING]
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
        audits=audit_tables(
            reference.effect.name,
            [own for _, own in by_weight],
            [(row.title, results[row.name][1]) for row in unlearned],
        ),
        anchors=anchors,
        methods=methods,
        notes=(*([control.note] if control else []), *take_notes(reference, seeds, list(results.values()), anchors)),
    )


def _weight(result: tuple[Entry, Sequence[SeedResult]]) -> tuple[bool, bool, int, bool, str]:
    entry, seeds = result
    submitted = entry.source is not None
    return entry.status == "unreliable", submitted, -len(seeds), entry.status != "verified", entry.method.name


def _anchors(rows: Sequence[Row], scenario: str, budget: float, seeds: Sequence[SeedResult]) -> tuple[Row, ...]:
    run = {row.name: replace(row, verdict="by construction") if row.name in DEFINING else row for row in rows}
    for name in ANCHORS:
        if name not in run and name in DEFINING:
            run[name] = baseline_row(scenario, name, budget, seeds)
        elif name not in run:
            run[name] = missing_row(scenario, name, budget)
    return tuple(run[name] for name in ANCHORS)


def _ranked(rows: Sequence[Row], *, took: bool | None) -> tuple[Row, ...]:
    contenders = [row.contender for row in rows if row.contender and row.status != "unreliable"]
    ranks = rank_methods(contenders) if took else {}
    rows = [replace(row, rank=ranks.get(row.name)) for row in rows]
    best: dict[tuple[Rank | None, str], float] = {}
    for row in rows:
        tie = (row.rank, row.family)
        best[tie] = min(best.get(tie, math.inf), _distance(row))
    return tuple(sorted(rows, key=lambda row: (_place(row.rank), best[row.rank, row.family], *_in_family(row))))


def _place(rank: Rank | None) -> tuple[bool, int, int]:
    return (False, rank.first, rank.last) if rank else (True, 0, 0)


def _in_family(row: Row) -> tuple[str, float, str]:
    return row.family, _distance(row), row.name


def _distance(row: Row) -> float:
    return row.contender.distance if row.contender else 0.0
