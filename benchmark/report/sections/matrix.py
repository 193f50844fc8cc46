"""Residuals of all methods and attacks at a glance."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmark.report.material import Material, made_by, seeds_text
from benchmark.report.section import Cell, Drawing, Gap, Section, Table
from benchmark.report.style import INK, drawing
from leaderboard import Board, Row
from leaderboard.text import budget_text

CELL = (1.12, 0.36)
COLUMNS = ("scenario", "attack", "budget", "method", "residual", "low", "high", "verdict", "noise floor", "seeds")


def matrix(material: Material) -> Section:
    """Return the section: one cell a method and scenario, at the largest budget up to 10 %."""
    boards = material.headline_boards
    text = ["Residual 0 is a model as clean as retraining, 1 one from which nothing was removed. Darker: more is left."]
    if not boards:
        gap = Gap("no entries at budgets up to 10 %", "python -m benchmark run --suite mini")
        return Section("f", "Methods against attacks", text, gaps=[gap])
    table = Table("matrix", COLUMNS, [line for board in material.boards for line in lines_of(board)])
    seeds = sorted({seed for board in boards for seed in board.seeds})
    caption = (
        f"Residual with its 95 % interval (Fieller's, over {seeds_text(seeds)} at most) at "
        f"{_budgets(boards)} of the cost of training. Below each scenario: its noise floor, the residual that one "
        "retrain shows against another. In brackets: accuracy is lost. Hatched: the attack did not take, or some seed "
        f"diverged. {made_by(material.entries, material.command)}"
    )
    alternative = "Heat map of residuals, methods in rows and scenarios in columns; the numbers are in matrix.csv."
    with drawing():
        figure = _draw(boards)
    return Section("f", "Methods against attacks", text, [Drawing("matrix", figure, caption, alternative, table)])


def _budgets(boards: Sequence[Board]) -> str:
    return ", ".join(budget_text(budget) for budget in sorted({board.budget for board in boards}))


def lines_of(board: Board) -> list[list[Cell]]:
    """Return the rows of a board as data, see :data:`COLUMNS`."""
    lines: list[list[Cell]] = []
    for row in (*board.methods, *board.anchors):
        interval = row.contender.interval if row.contender else None
        numbers = (interval.estimate, interval.low, interval.high) if interval else (None, None, None)
        floor = board.floor if np.isfinite(board.floor) else None
        entry = board.entry
        lines.append([entry.scenario, entry.attack, board.budget, row.name, *numbers, row.verdict, floor, row.seeds])
    return lines


def _draw(boards: Sequence[Board]) -> Figure:
    names = [*sorted({row.name for board in boards for row in board.methods}), "sham"]
    figure = Figure(figsize=(1.3 + CELL[0] * len(boards), 1.15 + CELL[1] * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, len(boards)), ylim=(len(names), 0))
    for column, board in enumerate(boards):
        rows = {row.name: row for row in (*board.methods, *board.anchors)}
        for line, name in enumerate(names):
            _cell(axes, column, line, rows.get(name))
    axes.set_xticks(np.arange(len(boards)) + 0.5, [_heading(board) for board in boards], fontsize=6.5)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _heading(board: Board) -> str:
    corpus, _, rest = board.entry.scenario.partition("-")
    attack = rest.removesuffix(f"-{rest.rpartition('-')[2]}")
    floor = f"{board.floor:.2f}" if np.isfinite(board.floor) else "unknown"
    return f"{corpus}\n{attack.replace('-minilm', '').replace('-cnn', '')}\nfloor {floor}"


def _cell(axes: Axes, column: int, line: int, row: Row | None) -> None:
    interval = row.contender.interval if row and row.contender else None
    if row is None or interval is None:
        text = "" if row is None else row.verdict
        axes.add_patch(
            Rectangle((column, line), 1, 1, fill=False, edgecolor="#cccccc", hatch="" if row is None else "///")
        )
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1} if text else None
        axes.text(column + 0.5, line + 0.5, text or "not run", ha="center", va="center", fontsize=6.5, bbox=box)
        return
    shade = 1 - 0.85 * float(np.clip(interval.estimate, 0, 1))
    axes.add_patch(Rectangle((column, line), 1, 1, facecolor=str(shade), edgecolor="white"))
    ink = "white" if shade < 0.5 else INK
    shown = f"{interval.estimate:z.2f}"
    lost = row.verdict.endswith("accuracy lost")
    weight = "bold" if row.verdict == "removed" else "normal"
    main = f"({shown})" if lost else shown
    axes.text(column + 0.5, line + 0.36, main, ha="center", va="center", color=ink, fontsize=8, weight=weight)
    bounds = f"[{interval.low:z.2f}, {interval.high:z.2f}]" if interval.bounded else "one seed"
    axes.text(column + 0.5, line + 0.75, bounds, ha="center", va="center", color=ink, fontsize=5.5)
