"""What differs between two leaderboards."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.board import build_boards
from leaderboard.entry import Entry
from leaderboard.pipes import items, pipe_table
from leaderboard.row import Row
from leaderboard.text import ABSENT, budget_text, number, percent, residual_text

ROUNDING = 1e-9
"""Differences of floating-point numbers that never count."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row that both boards have, and what differs in it.

    Attributes:
        before: the row of the first board.
        after: the row of the second board.
        fields: names of what differs: residual, accuracy, status, rank, verdict.
    """

    before: Row
    after: Row
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two leaderboards.

    Attributes:
        removed: rows that only the first has.
        added: rows that only the second has.
        changed: rows that differ.
        unchanged: number of rows that agree.
    """

    removed: tuple[Row, ...]
    added: tuple[Row, ...]
    changed: tuple[Change, ...]
    unchanged: int

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.removed or self.added or self.changed)


def compare(before: Iterable[Entry], after: Iterable[Entry], tolerance: float = 0.0) -> Difference:
    """Return what differs between the boards of two collections of entries, by scenario, budget and method.

    Args:
        before: the first.
        after: the second.
        tolerance: how much a residual or an end of its interval, and an accuracy in [0, 1], may differ, at least 0.

    Raises:
        ValueError: if ``tolerance`` is negative or not finite, or two entries of one collection have the same scenario
            and method.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance must be a finite number of at least 0, got {tolerance}")
    first, second = _rows(before), _rows(after)
    shared = [(first[key], second[key]) for key in sorted(first.keys() & second.keys())]
    changes = [Change(a, b, tuple(_differing(a, b, max(tolerance, ROUNDING)))) for a, b in shared]
    changed = tuple(change for change in changes if change.fields)
    return Difference(
        removed=tuple(first[key] for key in sorted(first.keys() - second.keys())),
        added=tuple(second[key] for key in sorted(second.keys() - first.keys())),
        changed=changed,
        unchanged=len(changes) - len(changed),
    )


def render_difference(difference: Difference, before: str, after: str) -> str:
    """Return ``difference`` as Markdown; ``before`` and ``after`` name the two boards."""
    lines = ["# Difference of two leaderboards", "", *items([f"A: {before}", f"B: {after}"])]
    lines += ["", f"{difference.unchanged} rows agree.", ""]
    for title, rows in (("only in A", difference.removed), ("only in B", difference.added)):
        if rows:
            cells = [[*_place(row), residual_text(row), row.verdict, row.status] for row in rows]
            columns = [*PLACE, ("residual", ">"), ("verdict", "<"), ("status", "<")]
            lines += [f"## {title}: {len(rows)}", "", *pipe_table(columns, cells), ""]
    if difference.changed:
        cells = [
            [*_place(change.before), field, _text(change.before, field), _text(change.after, field)]
            for change in difference.changed
            for field in change.fields
        ]
        columns = [*PLACE, ("what", "<"), ("A", ">"), ("B", ">")]
        lines += [f"## changed: {len(difference.changed)}", "", *pipe_table(columns, cells), ""]
    return "\n".join(lines)


PLACE = (("scenario", "<"), ("budget", ">"), ("method", "<"))


def _rows(entries: Iterable[Entry]) -> dict[tuple[str, float, str], Row]:
    return {
        (row.scenario, row.budget, row.name): row
        for board in build_boards(entries)
        for row in (*board.anchors, *board.methods)
        if row.status not in {"baseline", "missing"}
    }


def _differing(before: Row, after: Row, tolerance: float) -> list[str]:
    residuals = [(row.contender.interval if row.contender else None) for row in (before, after)]
    ends = [(one.estimate, one.low, one.high) if one else None for one in residuals]
    checks = {
        "residual": _same(ends[0], ends[1], tolerance),
        "accuracy": _same(_pack(before.accuracy), _pack(after.accuracy), tolerance),
        "status": before.status == after.status,
        "rank": before.rank == after.rank,
        "verdict": before.verdict == after.verdict,
    }
    return [name for name, same in checks.items() if not same]


def _pack(value: float | None) -> tuple[float, ...] | None:
    return None if value is None else (value,)


def _same(a: tuple[float, ...] | None, b: tuple[float, ...] | None, tolerance: float) -> bool:
    if a is None or b is None:
        return a is b
    return all(x == y or abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))


def _place(row: Row) -> list[str]:
    return [row.scenario, budget_text(row.budget), row.name]


def _text(row: Row, field: str) -> str:
    if field == "residual":
        interval = row.contender.interval if row.contender else None
        return residual_text(row) if interval is None else _precise(interval.estimate, interval.low, interval.high)
    if field == "accuracy":
        return percent(row.accuracy, 3)
    return str(getattr(row, field) or ABSENT)


def _precise(estimate: float, low: float, high: float) -> str:
    return f"{number(estimate, 4)} [{number(low, 4)}, {number(high, 4)}]"
