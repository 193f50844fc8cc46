"""The plot of residual against budget, one line a method."""

import math
from collections.abc import Sequence

from leaderboard.board import Board
from leaderboard.page.figure import Curve, Figure, Mark, horizontal, labelled, path, vertical
from leaderboard.page.names import look, row_id
from leaderboard.page.scatter import GREATEST, LEAST
from leaderboard.row import Row
from leaderboard.statistics import Interval
from leaderboard.text import budget_text, interval_text


def budget_lines(boards: Sequence[Board]) -> Figure | None:
    """Return residual against budget over the boards of one scenario; None where there is one budget."""
    lines: dict[str, list[tuple[Row, Interval]]] = {}
    for board in boards:
        for row in (*board.anchors, *board.methods):
            left = row.contender.interval if row.contender else None
            if left is not None and row.name not in {"no_unlearning", "retrain"}:
                lines.setdefault(row.name, []).append((row, left))
    budgets = sorted({row.budget for line in lines.values() for row, _ in line})
    if len(budgets) < 2:
        return None
    ends = [end for line in lines.values() for _, one in line for end in (one.low, one.high) if math.isfinite(end)]
    x = horizontal(0.0, 115 * budgets[-1])
    y = vertical(max(min([-0.1, *ends]), LEAST), min(max([1.1, *ends]), GREATEST))
    curves = [
        Curve(
            path(x, y, [100 * row.budget for row, _ in line], [one.estimate for _, one in line]),
            row_id(line[-1][0]),
            "anchor" if line[0][0].kind == "anchor" else "line",
        )
        for line in lines.values()
    ]
    marks = []
    for line in lines.values():
        for place, (row, one) in enumerate(line):
            at_x, at_y = x.place(100 * row.budget), y.place(one.estimate)
            marks.append(
                Mark(
                    x=at_x,
                    y=at_y,
                    row=row_id(row),
                    look=look(row.verdict) if row.kind == "unlearner" else "anchor",
                    shape="diamond" if row.kind == "anchor" else "circle",
                    tip=f"{row.title} at {budget_text(row.budget)}: residual {interval_text(one)}, {row.verdict}",
                    label=row.title.partition(" (")[0] if place == len(line) - 1 else "",
                    bars=((at_x, y.place(one.low), at_x, y.place(one.high)),) if one.bounded else (),
                )
            )
    return Figure(
        title="Residual against budget",
        caption="One line a method, with 95 % intervals; 1 is nothing removed, 0 is as clean as retraining.",
        x=x,
        y=y,
        x_title="budget, % of the passes of training",
        y_title="residual",
        rules=tuple((x.start, y.place(at), x.end, y.place(at), "zero") for at in (0.0, 1.0)),
        curves=tuple(curves),
        marks=labelled(marks, [y.place(0.0), y.place(1.0)]),
    )
