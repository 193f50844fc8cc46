"""Boards as flat tables: a row for each method, or for each seed."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from leaderboard.board import Board
from leaderboard.entry import Entry, ModelScore, SeedResult
from leaderboard.row import Row
from leaderboard.statistics import Interval
from leaderboard.text import settings_text

Value = str | float | int | bool | None
Kind = Literal["text", "number", "count", "flag"]


@dataclass(frozen=True, slots=True)
class Table:
    """A flat table.

    Attributes:
        columns: name and kind of each column.
        rows: a value of that kind, or None, for each column.
    """

    columns: tuple[tuple[str, Kind], ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A row with what it stands in; ``entry`` is None for an anchor that was read off baselines."""

    board: Board
    row: Row
    entry: Entry | None
    seeds: Sequence[SeedResult]

    @property
    def interval(self) -> Interval | None:
        return self.row.contender.interval if self.row.contender else None

    @property
    def gap(self) -> Interval | None:
        return self.row.contender.gap if self.row.contender else None


_PLACE: tuple[tuple[str, Kind, Callable[[_Line], Value]], ...] = (
    ("suite", "text", lambda line: line.board.entry.suite),
    ("scenario", "text", lambda line: line.board.entry.scenario),
    ("modality", "text", lambda line: line.board.entry.modality),
    ("attack", "text", lambda line: line.board.entry.attack),
    ("corpus", "text", lambda line: line.board.entry.corpus),
    ("network", "text", lambda line: line.board.entry.network),
    ("budget", "number", lambda line: line.board.budget),
    ("method", "text", lambda line: line.row.name),
    ("title", "text", lambda line: line.row.title),
    ("kind", "text", lambda line: line.row.kind),
    ("status", "text", lambda line: line.row.status),
)

_BOARD: tuple[tuple[str, Kind, Callable[[_Line], Value]], ...] = (
    *_PLACE,
    ("rank_first", "count", lambda line: line.row.rank.first if line.row.rank else None),
    ("rank_last", "count", lambda line: line.row.rank.last if line.row.rank else None),
    ("verdict", "text", lambda line: line.row.verdict),
    ("took", "flag", lambda line: line.board.took),
    ("residual", "number", lambda line: _part(line.interval, "estimate")),
    ("residual_low", "number", lambda line: _part(line.interval, "low")),
    ("residual_high", "number", lambda line: _part(line.interval, "high")),
    ("noise_floor", "number", lambda line: _finite(line.board.floor)),
    ("effect", "text", lambda line: line.board.entry.effect.name),
    ("effect_unlearned", "number", lambda line: line.row.effect),
    ("effect_poisoned", "number", lambda line: line.board.poisoned),
    ("effect_retrain", "number", lambda line: line.board.retrain),
    ("accuracy", "number", lambda line: line.row.accuracy),
    ("gap_points", "number", lambda line: _part(line.gap, "estimate")),
    ("gap_points_low", "number", lambda line: _part(line.gap, "low")),
    ("gap_points_high", "number", lambda line: _part(line.gap, "high")),
    ("cost_fraction", "number", lambda line: line.row.cost),
    ("wall_clock_s", "number", lambda line: _mean([seed.cost.wall_clock_s for seed in line.seeds])),
    ("seeds", "count", lambda line: line.row.seeds),
    ("settings", "text", lambda line: settings_text(line.row.hyperparameters) if line.row.hyperparameters else None),
    ("tuning_trials", "count", lambda line: line.row.tuning.trials if line.row.tuning else None),
    ("protection", "text", lambda line: line.entry.protection.kind if line.entry else None),
    ("doubts", "text", lambda line: "; ".join(line.row.doubts) or None),
    ("device", "text", lambda line: line.entry.provenance.device if line.entry else None),
    ("commit", "text", lambda line: line.entry.provenance.commit if line.entry else None),
)

ROLES = ("unlearned", "poisoned", "retrain", "second_retrain")

_SEED: tuple[tuple[str, Kind, Callable[[SeedResult], Value]], ...] = (
    ("seed", "count", lambda seed: seed.seed),
    *((f"effect_{role}", "number", lambda seed, role=role: _score(seed, role).effect) for role in ROLES),
    *((f"accuracy_{role}", "number", lambda seed, role=role: _score(seed, role).accuracy) for role in ROLES),
    ("forward_passes", "number", lambda seed: seed.cost.forward_passes),
    ("backward_passes", "number", lambda seed: seed.cost.backward_passes),
    ("cost_fraction", "number", lambda seed: seed.cost.fraction),
    ("wall_clock_s", "number", lambda seed: seed.cost.wall_clock_s),
    ("cpu_s", "number", lambda seed: seed.cost.cpu_s),
    ("peak_memory_bytes", "count", lambda seed: seed.cost.peak_memory_bytes),
    ("flops", "number", lambda seed: seed.cost.flops),
    ("stopped_by_budget", "flag", lambda seed: seed.cost.stopped_by_budget),
    ("explained", "flag", lambda seed: seed.cost.explained),
    ("device", "text", lambda seed: seed.cost.device),
)


def board_table(boards: Iterable[Board], entries: Iterable[Entry]) -> Table:
    """Return a row for each scenario, budget and method, anchors included; missing ones are left out.

    Accuracy, budget and cost are fractions; gaps are points. Where a number is unknown or unbounded there is None.

    Args:
        boards: of ``entries``.
        entries: where the boards came from.
    """
    return Table(
        columns=tuple((name, kind) for name, kind, _ in _BOARD),
        rows=tuple(tuple(value(line) for _, _, value in _BOARD) for line in _lines(boards, entries)),
    )


def seed_table(boards: Iterable[Board], entries: Iterable[Entry]) -> Table:
    """Return a row for each scenario, budget, method and seed that was run: what an entry says of it.

    Args:
        boards: of ``entries``.
        entries: where the boards came from.
    """
    return Table(
        columns=(*((name, kind) for name, kind, _ in _PLACE), *((name, kind) for name, kind, _ in _SEED)),
        rows=tuple(
            (*(value(line) for _, _, value in _PLACE), *(value(seed) for _, _, value in _SEED))
            for line in _lines(boards, entries)
            for seed in line.seeds
        ),
    )


def _lines(boards: Iterable[Board], entries: Iterable[Entry]) -> Iterator[_Line]:
    found = {(entry.scenario, entry.method.name): entry for entry in entries}
    for board in boards:
        for row in (*board.anchors, *board.methods):
            entry = None if row.status == "baseline" else found.get((row.scenario, row.name))
            results = entry.results if entry else []
            seeds = next((result.seeds for result in results if result.budget == board.budget), [])
            if row.status != "missing":
                yield _Line(board, row, entry, seeds)


def _score(seed: SeedResult, role: str) -> ModelScore:
    score: ModelScore = getattr(seed, role)
    return score


def _part(interval: Interval | None, name: str) -> float | None:
    return None if interval is None else _finite(getattr(interval, name))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
