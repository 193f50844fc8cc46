"""The overview: every method of a suite against every scenario."""

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.board import Board
from leaderboard.page.names import board_id, look, row_id
from leaderboard.row import Row
from leaderboard.summary import SummaryRow, summarize
from leaderboard.text import budget_text, interval_text, number


@dataclass(frozen=True, slots=True)
class Cell:
    """A method in a scenario: identifier of its row, residual, verdict and its look; no row, nothing known."""

    id: str
    text: str
    verdict: str
    look: str


@dataclass(frozen=True, slots=True)
class Line:
    """A method over a suite; ``why`` says what keeps it from having a worst residual, ``where``."""

    title: str
    rank: str
    worst: str
    where: str
    why: str
    removed: str
    modalities: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """One suite at one budget. ``columns`` are identifier, attack and name of the scenarios that count."""

    suite: str
    budget: str
    value: float
    columns: tuple[tuple[str, str, str], ...]
    skipped: tuple[str, ...]
    lines: tuple[Line, ...]


def overviews(boards: Sequence[Board]) -> list[Overview]:
    """Return one overview for each suite and budget in which two scenarios count."""
    found = {(board.entry.scenario, board.budget): board for board in boards}
    views = []
    for summary in summarize(boards):
        counted = [found[scenario, summary.budget] for scenario in summary.counted]
        columns = [
            (board_id(board.entry.scenario, board.budget), board.entry.attack, board.entry.scenario)
            for board in counted
        ]
        lines = tuple(_line(row, counted) for row in summary.rows)
        views.append(
            Overview(summary.suite, budget_text(summary.budget), summary.budget, tuple(columns), summary.skipped, lines)
        )
    return views


def _line(row: SummaryRow, boards: Sequence[Board]) -> Line:
    overall = row.overall
    faults = (("diverged", overall.diverged), ("not run", overall.missing))
    return Line(
        title=row.title,
        rank=str(overall.rank).replace("-", "–"),
        worst=interval_text(overall.residual),
        where=overall.worst or "",
        why=", ".join(f"{fault} in {len(scenarios)}" for fault, scenarios in faults if scenarios),
        removed=f"{row.removed} of {len(boards)}",
        modalities=", ".join(row.modalities),
        cells=tuple(_cell(row.name, board) for board in boards),
    )


def _cell(name: str, board: Board) -> Cell:
    row: Row | None = next((row for row in board.methods if row.name == name), None)
    if row is None:
        return Cell("", "–", "not run", "void")
    left = row.contender.interval if row.contender else None
    text = number(left.estimate) if left else row.verdict
    return Cell(row_id(row), text, row.verdict, look(row.verdict))
