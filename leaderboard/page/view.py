"""What the template prints: texts and places, no arithmetic left to do."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.audit import AuditTable
from leaderboard.board import Board
from leaderboard.entry import Entry
from leaderboard.key import KEY
from leaderboard.page.budgets import budget_lines
from leaderboard.page.figure import Figure
from leaderboard.page.forest import Forest, forest
from leaderboard.page.names import board_id, look, row_id
from leaderboard.page.scatter import scatter
from leaderboard.page.tradeoff import trade_off
from leaderboard.row import Row
from leaderboard.text import (
    budget_text,
    cell_text,
    floor_text,
    half_width_text,
    interval_text,
    number,
    percent,
    request_text,
    residual_text,
)

TOOK = {True: "took", False: "did not take", None: "one seed cannot say"}


@dataclass(frozen=True, slots=True)
class RowView:
    """One line of a board: identifier, the row, and its cells as text."""

    id: str
    row: Row
    rank: str
    residual: str
    forest: Forest | None
    accuracy: str
    gap: str
    cost: str
    look: str
    effect: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """One audit as a table, its first column naming the lines."""

    title: str
    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class BoardView:
    """One scenario at one budget."""

    id: str
    board: Board
    budget: str
    took: str
    facts: tuple[tuple[str, str], ...]
    anchors: tuple[RowView, ...]
    methods: tuple[RowView, ...]
    audits: tuple[AuditView, ...]
    figures: tuple[Figure, ...]


def board_views(boards: Sequence[Board], entries: Mapping[str, Mapping[str, Entry]]) -> list[BoardView]:
    """Return the views of all boards, the last of each scenario with the plot over its budgets.

    Args:
        boards: in the order in which they are printed.
        entries: by scenario and method.
    """
    scenarios: dict[str, list[Board]] = {}
    for board in boards:
        scenarios.setdefault(board.entry.scenario, []).append(board)
    return [
        _board_view(board, entries[name], budget_lines(group) if board is group[-1] else None)
        for name, group in scenarios.items()
        for board in group
    ]


def key_items() -> list[tuple[str, str]]:
    """Return the words of the key and what they mean."""
    items = [" ".join(text.replace("`", "").split()) for text in re.split(r"^- ", KEY, flags=re.MULTILINE)[1:]]
    return [(word, meaning) for word, _, meaning in (item.partition(": ") for item in items)]


def _board_view(board: Board, entries: Mapping[str, Entry], budgets: Figure | None) -> BoardView:
    return BoardView(
        id=board_id(board.entry.scenario, board.budget),
        board=board,
        budget=budget_text(board.budget),
        took=TOOK[board.took],
        facts=_facts(board),
        anchors=tuple(_row_view(row, board.floor) for row in board.anchors),
        methods=tuple(_row_view(row, board.floor) for row in board.methods),
        audits=tuple(_audit_view(table) for table in board.audits),
        figures=tuple(figure for figure in (scatter(board), trade_off(board, dict(entries)), budgets) if figure),
    )


def _facts(board: Board) -> tuple[tuple[str, str], ...]:
    mean, deviation = board.null
    return (
        ("attack", TOOK[board.took]),
        ("E(poisoned)", number(board.poisoned, 3)),
        ("E(retrain)", number(board.retrain, 3)),
        ("E(poisoned) − E(retrain)", interval_text(board.difference, 3)),
        ("noise floor", floor_text(board.floor, took=board.took)),
        ("null", f"{number(mean, 3)} ± {number(deviation, 3)} (sd)" if math.isfinite(deviation) else number(mean, 3)),
        ("asked to delete", request_text(board.entry.configuration.get("forget"))),
        ("seeds", ", ".join(map(str, board.seeds))),
        ("device", ", ".join(board.devices)),
    )


def _row_view(row: Row, floor: float) -> RowView:
    contender = row.contender
    return RowView(
        id=row_id(row),
        row=row,
        rank=str(row.rank).replace("-", "–") if row.rank else "–",
        residual=residual_text(row),
        forest=forest(contender.interval, floor) if contender and contender.interval else None,
        accuracy=percent(row.accuracy),
        gap=half_width_text(contender.gap if contender else None),
        cost=percent(row.cost),
        look=look(row.verdict),
        effect=number(row.effect, 3),
    )


def _audit_view(table: AuditTable) -> AuditView:
    digits = [statistic.digits for statistic in table.statistics]
    lines = [
        (subject.title, *map(cell_text, line, digits))
        for subject, line in zip(table.subjects, table.lines, strict=True)
    ]
    if any(table.null):
        bands = zip(table.null, digits, strict=True)
        texts = [f"{number(band[0], places)} to {number(band[1], places)}" if band else "-" for band, places in bands]
        lines.append(("95 % of the null", *texts))
    corner = "statistic" if table.audit.upright else "model"
    cells = [(corner, *(statistic.title for statistic in table.statistics)), *lines]
    if table.audit.upright:
        cells = list(zip(*cells, strict=True))
    return AuditView(table.audit.title, cells[0], tuple(cells[1:]))
