"""The plot of the Gaussian audit: true-positive against false-positive rate."""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from leaderboard.board import Board
from leaderboard.entry import Entry, ModelScore, SeedResult
from leaderboard.page.figure import Axis, Curve, Figure, Mark, horizontal, labelled, path, vertical
from leaderboard.page.names import look, row_id
from leaderboard.text import number

FPR = 0.01
LEAST = 1e-3
GRID: NDArray[np.float64] = np.geomspace(LEAST, 1.0, 37)
MEAN, DEVIATION, RATE = "gaussian/mean", "gaussian/sd", "gaussian/tpr_at_fpr_.01"


def trade_off(board: Board, entries: dict[str, Entry]) -> Figure | None:
    """Return the trade-off of every model of a board; None where its entries hold no Gaussian audit.

    An entry holds mean and standard deviation of I and the true-positive rate at one false-positive rate: that rate is
    drawn as a point, and the curve is that of a normal I with these moments.

    Args:
        board: one scenario at one budget.
        entries: those of the board, by method.
    """
    first = _seeds(board.entry, board.budget)
    models = [("poisoned", "", "bad", [seed.poisoned for seed in first])]
    models += [("retrain", "", "anchor", [seed.retrain for seed in first])]
    for row in (*board.anchors, *board.methods):
        if row.name in entries and row.name not in {"no_unlearning", "retrain"}:
            scores = [seed.unlearned for seed in _seeds(entries[row.name], board.budget)]
            models.append((row.title, row_id(row), look(row.verdict) if row.kind == "unlearner" else "anchor", scores))
    models = [model for model in models if _measured(model[3])]
    count = _count(first)
    if not models or count is None:
        return None
    x, y = horizontal(LEAST, 1.0, log=True), vertical(LEAST / 3, 1.0, log=True)
    low, high = null_band(count)
    band = path(x, y, [*GRID, *GRID[::-1]], [*low, *high[::-1]])
    curves = [Curve(band, "", "band-null", area=True)]
    marks = []
    for title, place, style, scores in models:
        tpr = normal_curve(scores)
        named = "named" if title in {"poisoned", "retrain"} else "line"
        curves.append(Curve(path(x, y, list(GRID), list(tpr)), place, f"{named} stroke-{style}"))
        marks.append(_mark(title, place, style, scores, x, y))
    return Figure(
        title="Trade-off of the Gaussian audit",
        caption=(
            "Points: measured true-positive rate at a false-positive rate of 0.01. Curves: a normal I with the "
            "measured mean and standard deviation. Shaded: where 95 % of models lie that never saw the noise "
            f"({count} poisons, one model). Mean over seeds."
        ),
        x=x,
        y=y,
        x_title="false-positive rate",
        y_title="true-positive rate",
        rules=((x.place(FPR), y.start, x.place(FPR), y.end, "zero"),),
        curves=tuple(curves),
        marks=labelled(marks),
        absent="Entries do not hold the whole measured curve, only this point, the mean, the deviation and the area.",
        legend=(("band-null", "95 % of the null"),),
    )


def normal_curve(scores: Sequence[ModelScore]) -> NDArray[np.float64]:
    """Return the true-positive rate at each of ``GRID`` of a normal I, mean over the models that have its moments."""
    moments = np.array([[score.extra[MEAN], score.extra[DEVIATION]] for score in _measured(scores)], dtype=np.float64)
    mean, deviation = moments[:, :1], np.maximum(moments[:, 1:], 1e-9)
    threshold = -scipy.special.ndtri(GRID)
    return np.asarray(scipy.special.ndtr((mean - threshold) / deviation).mean(axis=0), dtype=np.float64)


def null_band(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the central 95 % of the true-positive rate of ``count`` null samples at each of ``GRID``: binomial."""
    below = scipy.special.bdtr(np.arange(count + 1.0)[:, None], count, GRID)
    low, high = ((below < tail - 1e-12).sum(axis=0) / count for tail in (0.025, 0.975))
    return low, high


def _mark(title: str, row: str, style: str, scores: Sequence[ModelScore], x: Axis, y: Axis) -> Mark:
    rates = [float(score.extra[RATE] or 0.0) for score in _measured(scores)]
    mean, at_x = float(np.mean(rates)), x.place(FPR)
    return Mark(
        x=at_x,
        y=y.place(mean),
        row=row,
        look=style,
        shape="diamond" if style == "anchor" else "circle",
        tip=f"{title}: TPR at FPR 0.01 is {number(mean, 3)} ({number(min(rates), 3)} to {number(max(rates), 3)})",
        label=title if title in {"poisoned", "retrain"} else "",
    )


def _measured(scores: Sequence[ModelScore]) -> list[ModelScore]:
    return [score for score in scores if all(score.extra.get(name) is not None for name in (MEAN, DEVIATION, RATE))]


def _count(seeds: Sequence[SeedResult]) -> int | None:
    """Return the number of poisons, from z = sqrt(p) * mean; None where no model says it."""
    for seed in seeds:
        mean, z = seed.poisoned.extra.get(MEAN), seed.poisoned.extra.get("gaussian/z")
        if mean and z:
            return max(1, round((z / mean) ** 2))
    return None


def _seeds(entry: Entry, budget: float) -> Sequence[SeedResult]:
    return next((result.seeds for result in entry.results if result.budget == budget), [])
