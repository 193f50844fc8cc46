"""A new row among its neighbours: what a submitter wants to see first of a board."""

from collections.abc import Iterable

from leaderboard import Board, Entry, Row, build_boards
from leaderboard.markdown import COLUMNS, STATUS
from leaderboard.pipes import items, pipe_table, plain
from leaderboard.text import budget_text, floor_text, interval_text, number

TOOK = {True: "took", False: "did not take: nothing is ranked", None: "one seed cannot say: nothing is ranked"}


def neighbours(entries: Iterable[Entry], method: str) -> str:
    """Return, for each board that holds ``method``, its row with the anchors and the rows above and below.

    Args:
        entries: all that the boards hold.
        method: name of the row.
    """
    boards = [board for board in build_boards(entries) if any(row.name == method for row in board.methods)]
    return "\n".join(_excerpt(board, method) for board in boards)


def _excerpt(board: Board, method: str) -> str:
    place = next(number for number, row in enumerate(board.methods) if row.name == method)
    first, last = max(place - 1, 0), place + 2
    shown = [*board.anchors, *board.methods[first:last]]
    columns = [*COLUMNS, STATUS]
    table = pipe_table([column[:2] for column in columns], [[text(row) for _, _, text in columns] for row in shown])
    poisoned, retrain = number(board.poisoned, 3), number(board.retrain, 3)
    header = [
        f"attack: {TOOK[board.took]}; E(poisoned) - E(retrain) is {interval_text(board.difference, 3)}",
        f"E(poisoned) {poisoned}, E(retrain) {retrain}, noise floor {floor_text(board.floor, took=board.took)}",
        _rank(board, board.methods[place]),
        *(f"note: {note}" for note in board.notes),
    ]
    title = plain(f"## {board.entry.scenario}, budget {budget_text(board.budget)}")
    return "\n".join([title, "", *items(header), "", *table, ""])


def _rank(board: Board, row: Row) -> str:
    ranked = sum(other.rank is not None for other in board.methods)
    rank = f"rank {row.rank} of {ranked}" if row.rank else "not ranked"
    return f"{row.title}: {rank}; {row.verdict}"
