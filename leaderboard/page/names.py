"""Identifiers of what stands on the page, and the look of a verdict."""

from leaderboard.board import Board
from leaderboard.row import Row

LOOKS = {
    "removed": "good",
    "not removed": "bad",
    "overshot": "over",
    "accuracy lost": "lost",
    "inconclusive": "open",
    "one seed": "open",
    "over budget": "spent",
    "diverged": "broken",
    "did not take": "void",
    "missing": "void",
    "by construction": "anchor",
}
"""Class, and icon, of each verdict; "not removed, accuracy lost" looks as "not removed"."""

ORDER = ("good", "open", "over", "lost", "bad", "spent", "broken", "void", "anchor")
"""Looks from best to worst, for sorting."""


def look(verdict: str) -> str:
    """Return the look of a verdict."""
    return LOOKS[verdict.partition(",")[0]]


def board_id(scenario: str, budget: float) -> str:
    """Return the identifier of a board; a scenario's name is safe in one."""
    return f"b-{scenario}-{100 * budget:.6g}"


def row_id(row: Row) -> str:
    """Return the identifier of a row."""
    return f"r-{row.scenario}-{100 * row.budget:.6g}-{row.name}"


def rows_of(board: Board) -> tuple[Row, ...]:
    """Return anchors and methods, in the order of the table."""
    return (*board.anchors, *board.methods)
