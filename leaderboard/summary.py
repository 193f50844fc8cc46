"""Summaries: the methods of a suite over all its scenarios, at one budget."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leaderboard.board import Board
from leaderboard.contender import Contender
from leaderboard.overall import OverallRank, rank_overall
from leaderboard.row import family


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A method over a suite.

    Attributes:
        name: identifier of the method.
        title: what to print.
        overall: its rank and its worst scenario.
        removed: number of scenarios in which it removed the poison.
        modalities: what the corpora hold on which it was scored.
    """

    name: str
    title: str
    overall: OverallRank
    removed: int
    modalities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """One suite at one budget.

    Attributes:
        suite: name of the suite.
        budget: fraction of the training passes, in (0, 1].
        counted: scenarios in which the attack took.
        skipped: scenarios that count for nobody: the attack did not take, or one seed cannot say.
        rows: by rank; variants of a method stand together where they tie.
    """

    suite: str
    budget: float
    counted: tuple[str, ...]
    skipped: tuple[str, ...]
    rows: tuple[SummaryRow, ...]


def summarize(boards: Iterable[Board]) -> list[Summary]:
    """Return a summary for each suite and budget in which at least two scenarios count, in that order."""
    groups: dict[tuple[str, float], list[Board]] = {}
    for board in boards:
        groups.setdefault((board.entry.suite, board.budget), []).append(board)
    summaries = [_summarize(suite, budget, group) for (suite, budget), group in sorted(groups.items())]
    return [summary for summary in summaries if len(summary.counted) >= 2]


def _summarize(suite: str, budget: float, boards: Sequence[Board]) -> Summary:
    counted = {board.entry.scenario: board for board in boards if board.took}
    overall = rank_overall({scenario: _contenders(board) for scenario, board in counted.items()})
    shown = [(board, row) for board in counted.values() for row in board.methods if row.status != "unreliable"]
    titles = {row.name: row.title for _, row in shown}
    removed = Counter(row.name for _, row in shown if row.verdict == "removed")
    modalities: dict[str, set[str]] = {}
    for board, row in shown:
        modalities.setdefault(row.name, set()).add(board.entry.modality)
    rows = [
        SummaryRow(name, titles[name], rank, removed[name], tuple(sorted(modalities[name])))
        for name, rank in overall.items()
    ]
    return Summary(
        suite=suite,
        budget=budget,
        counted=tuple(counted),
        skipped=tuple(board.entry.scenario for board in boards if not board.took),
        rows=tuple(sorted(rows, key=lambda row: (row.overall.rank, family(row.name), row.name))),
    )


def _contenders(board: Board) -> list[Contender]:
    return [row.contender for row in board.methods if row.contender and row.status != "unreliable"]
