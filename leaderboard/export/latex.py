"""Boards as LaTeX tables with booktabs rules."""

import re
from collections.abc import Iterable, Sequence

from leaderboard.board import Board
from leaderboard.export.tex import escape_tex
from leaderboard.row import Row
from leaderboard.summary import Summary, summarize
from leaderboard.text import (
    ABSENT,
    budget_text,
    floor_text,
    half_width_text,
    interval_text,
    number,
    percent,
    residual_text,
)

PREAMBLE = """\
% Tables for \\usepackage{booktabs}, \\usepackage[T1]{fontenc} and \\usepackage{textcomp}: \\input this file.
% They fit lines of 16 cm.
% Brackets and $\\pm$: 95 % intervals over seeds. A residual of 0 is as clean as retraining, 1 is nothing removed.
"""

MINUS = re.compile(r"(?<![\w-])-(?=\d)")
RANGE = re.compile(r"^(\d+)-(\d+)$")


def render_latex(boards: Iterable[Board]) -> str:
    """Return a ``table`` for each summary and each board, labelled ``tab:<suite or scenario>-<budget in per cent>``."""
    found = list(boards)
    return "\n".join([PREAMBLE, *map(_render_summary, summarize(found)), *map(_render_board, found)])


def _render_summary(summary: Summary) -> str:
    caption = (
        f"Suite {summary.suite}, budget {budget_text(summary.budget)}: each method by its worst of "
        f"{len(summary.counted)} scenarios."
    )
    rows = [
        [
            _rank_text(str(row.overall.rank)),
            escape_tex(row.title),
            _numbers(interval_text(row.overall.residual)),
            escape_tex(row.overall.worst or _why(row.overall.diverged)),
            f"{row.removed} of {len(summary.counted)}",
        ]
        for row in summary.rows
    ]
    header = ["Rank", "Method", "Worst residual", "Worst scenario", "Removed"]
    return _table(caption, f"{summary.suite}-{100 * summary.budget:.6g}", "rlrlr", header, [rows])


def _why(diverged: Sequence[str]) -> str:
    return "diverged" if diverged else "not run everywhere"


def _render_board(board: Board) -> str:
    scenario = board.entry.scenario
    caption = (
        f"{scenario}, budget {budget_text(board.budget)}, {len(board.seeds)} seeds; effect: "
        f"{board.entry.effect.title}, {number(board.poisoned, 3)} when poisoned and {number(board.retrain, 3)} when "
        f"retrained; noise floor {floor_text(board.floor, took=board.took)}."
    )
    header = ["Rank", "Method", "Residual", r"Accuracy, \%", "Gap, points", r"Cost, \%", "Verdict"]
    blocks = [[_cells(row) for row in rows] for rows in (board.anchors, board.methods) if rows]
    return _table(caption, f"{scenario}-{100 * board.budget:.6g}", "rlrrrrl", header, blocks)


def _cells(row: Row) -> list[str]:
    return [
        _rank_text(str(row.rank) if row.rank else ABSENT),
        escape_tex(row.title),
        _numbers(residual_text(row)),
        _numbers(percent(row.accuracy)),
        _numbers(half_width_text(row.contender.gap if row.contender else None)),
        _numbers(percent(row.cost)),
        escape_tex(row.verdict),
    ]


def _rank_text(rank: str) -> str:
    return RANGE.sub(r"\1--\2", rank) if rank != ABSENT else "--"


def _numbers(text: str) -> str:
    if text == ABSENT:
        return "--"
    return MINUS.sub("$-$", escape_tex(text))


def _table(
    caption: str, label: str, columns: str, header: Sequence[str], blocks: Sequence[Sequence[Sequence[str]]]
) -> str:
    """Return one table. A row never starts with ``[``, which would be read as an argument of the line before."""
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{MINUS.sub('$-$', escape_tex(caption))}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
    ]
    for block in blocks:
        lines += [r"\midrule", *(" & ".join(row) + r" \\" for row in block)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])
