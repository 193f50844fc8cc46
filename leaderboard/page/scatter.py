"""The plot of residual against accuracy gap."""

import math

from leaderboard.board import Board
from leaderboard.page.figure import Axis, Band, Figure, Mark, horizontal, labelled, vertical
from leaderboard.page.names import look, row_id, rows_of
from leaderboard.row import Row
from leaderboard.statistics import Interval
from leaderboard.text import half_width_text, interval_text
from leaderboard.verdict import ACCURACY_TOLERANCE, NEGLIGIBLE

LEAST, GREATEST, FARTHEST = -0.75, 1.75, -40.0
"""Residuals and gaps beyond which points are drawn at the frame: one destroyed model must not hide all others."""


def scatter(board: Board) -> Figure | None:
    """Return residual against accuracy gap with 95 % intervals; None where no row has both."""
    points = [
        (row, row.contender.interval, row.contender.gap)
        for row in rows_of(board)
        if row.contender and row.contender.interval and row.contender.gap
    ]
    if not points:
        return None
    x = horizontal(*_ends([gap for _, _, gap in points], -1.5, 1.5, FARTHEST, math.inf))
    y = vertical(*_ends([left for _, left, _ in points], 0.0, 1.0, LEAST, GREATEST))
    levels = [y.place(at) for at in (0.0, 1.0)]
    floor = max(board.floor, NEGLIGIBLE) if math.isfinite(board.floor) else None
    bands = [_column(x, y)] + ([_stripe(x, y, floor)] if floor is not None else [])
    return Figure(
        title="Residual against accuracy",
        caption=(
            "Where the two bands cross lies what retraining reaches: the effect within the noise floor, accuracy "
            "within 1 point. Bars are 95 % intervals; arrows mark values outside the frame."
        ),
        x=x,
        y=y,
        x_title="accuracy gap to retraining, points",
        y_title="residual",
        bands=tuple(bands),
        rules=tuple((x.start, at, x.end, at, "zero") for at in levels),
        marks=labelled([_mark(row, left, gap, x, y) for row, left, gap in points], levels),
        legend=(("band-floor", "noise floor"), ("band-accuracy", "±1 point of accuracy")),
    )


def _ends(intervals: list[Interval], least: float, most: float, low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis that holds ``least`` to ``most`` and all intervals within ``low`` to ``high``."""
    ends = [end for one in intervals for end in (one.estimate, one.low, one.high) if math.isfinite(end)]
    first, last = max(min([least, *ends]), low), min(max([most, *ends]), high)
    margin = 0.08 * (last - first)
    return first - margin, last + margin


def _column(x: Axis, y: Axis) -> Band:
    left, right = x.place(-ACCURACY_TOLERANCE), x.place(ACCURACY_TOLERANCE)
    return Band(left, y.end, round(right - left, 1), y.start - y.end, "band-accuracy")


def _stripe(x: Axis, y: Axis, floor: float) -> Band:
    top, bottom = y.place(floor), y.place(-floor)
    return Band(x.start, top, x.end - x.start, round(max(bottom - top, 1.0), 1), "band-floor")


def _mark(row: Row, left: Interval, gap: Interval, x: Axis, y: Axis) -> Mark:
    at_x, at_y = x.place(gap.estimate), y.place(left.estimate)
    bars = []
    if left.bounded:
        bars.append((at_x, y.place(left.low), at_x, y.place(left.high)))
    if gap.bounded:
        bars.append((x.place(gap.low), at_y, x.place(gap.high), at_y))
    return Mark(
        x=at_x,
        y=at_y,
        row=row_id(row),
        look=look(row.verdict) if row.kind == "unlearner" else "anchor",
        shape=_shape(row, left, gap, x, y),
        tip=(f"{row.title}: residual {interval_text(left)}, accuracy gap {half_width_text(gap)} points, {row.verdict}"),
        label=row.title.partition(" (")[0],
        bars=tuple(bars),
    )


def _shape(row: Row, left: Interval, gap: Interval, x: Axis, y: Axis) -> str:
    if not y.holds(left.estimate):
        return "up" if left.estimate > y.high else "down"
    if not x.holds(gap.estimate):
        return "left" if gap.estimate < x.low else "right"
    return "diamond" if row.kind == "anchor" else "circle"
