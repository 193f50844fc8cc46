"""The index: one line for each board."""

from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.board import Board
from leaderboard.row import Row


@dataclass(frozen=True, slots=True)
class IndexLine:
    """One scenario at one budget, in short.

    Attributes:
        scenario: name of the scenario.
        budget: fraction of the training passes, in (0, 1].
        modality: what the corpus holds.
        attack: name of the poison.
        took: whether the attack took; None for one seed, which cannot say.
        poisoned: mean effect of the poisoned models.
        retrain: mean effect of the retrain baselines.
        best: the method that ends nearest to retraining among those with the best rank; None where nothing is ranked.
        removed: number of methods that removed the poison.
        methods: number of methods, unreliable ones not counted.
    """

    scenario: str
    budget: float
    modality: str
    attack: str
    took: bool | None
    poisoned: float
    retrain: float
    best: Row | None
    removed: int
    methods: int


def index_boards(boards: Iterable[Board]) -> list[IndexLine]:
    """Return one line for each board, in the order of ``boards``."""
    return [_line(board) for board in boards]


def _line(board: Board) -> IndexLine:
    counted = [row for row in board.methods if row.status != "unreliable"]
    return IndexLine(
        scenario=board.entry.scenario,
        budget=board.budget,
        modality=board.entry.modality,
        attack=board.entry.attack,
        took=board.took,
        poisoned=board.poisoned,
        retrain=board.retrain,
        best=next((row for row in board.methods if row.rank), None),
        removed=sum(row.verdict == "removed" for row in counted),
        methods=len(counted),
    )
