"""Sensitivity to the learning rate and to what the request names."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from benchmark.report.material import Material, made_by, seeds_text
from benchmark.report.section import Cell, Drawing, Gap, Section, Table
from benchmark.report.style import BAND, INK, LINES, MARKERS, PALE, drawing, grid
from leaderboard import Board, Interval, Row
from leaderboard.text import interval_text

COLUMNS = ("scenario", "method", "setting", "residual", "low", "high", "accuracy gap in points", "seeds")
LR_RUN = "python -m benchmark run --scenarios {scenario} --unlearner=gd --unlearner.lr=0.1"
PARTIAL_RUN = (
    "python -m benchmark run --scenarios cifar10-badnets-cnn-v1.identified10,cifar10-badnets-cnn-v1.identified50,"
    "cifar10-badnets-cnn-v1.falsepositives100 --output {output}"
)

Rates = Mapping[tuple[str, str], Sequence[tuple[float, Row]]]
"""Learning rate and row, ascending, by scenario and method."""


def sensitivity(material: Material) -> Section:
    """Return the section, from variants ``<method>.lr-<rate>`` and from scenarios with imperfect requests."""
    text = ["How much of what is left depends on the learning rate, and on how well the poisons were identified."]
    drawings, gaps = [], []
    rates = learning_rates(material.headline_boards)
    if rates:
        drawings.append(_rate_drawing(material, rates))
    else:
        some = material.scenarios[0] if material.scenarios else "cifar10-gaussian-cnn-v2"
        gaps.append(Gap("methods with more than one learning rate", LR_RUN.format(scenario=some)))
    requests = partial_requests(material.headline_boards)
    if requests:
        drawings.append(_request_drawing(material, requests))
    else:
        gaps.append(
            Gap("scenarios with imperfect requests beside their complete one", PARTIAL_RUN.format(output="..."))
        )
    return Section("g", "Sensitivity", text, drawings, gaps=gaps)


def learning_rates(boards: Sequence[Board]) -> Rates:
    """Return the rows of methods that were run at two learning rates or more, nothing else changed."""
    found: dict[tuple[str, str], list[tuple[float, Row]]] = {}
    for board in boards:
        for row in board.methods:
            rate = row.hyperparameters.get("lr")
            plain = row.name == row.family or re.fullmatch(r"\.lr-[0-9.e+-]+", row.name.removeprefix(row.family))
            if isinstance(rate, int | float) and plain:
                found.setdefault((board.entry.scenario, row.family), []).append((float(rate), row))
    return {key: sorted(rows, key=lambda pair: pair[0]) for key, rows in found.items() if len(rows) > 1}


def partial_requests(boards: Sequence[Board]) -> dict[str, list[tuple[str, Board]]]:
    """Return the boards by scenario without its request, each with the request in words, complete ones first."""
    found: dict[str, list[tuple[float, float, Board]]] = {}
    for board in boards:
        forget = board.entry.configuration.get("forget")
        if not isinstance(forget, dict):
            continue
        share, wrong = (forget.get(name, default) for name, default in (("identified", 1.0), ("false_positives", 0.0)))
        if isinstance(share, int | float) and isinstance(wrong, int | float):
            family = re.sub(r"\.(identified|falsepositives)\d+$", "", board.entry.scenario)
            found.setdefault(family, []).append((-float(share), float(wrong), board))
    groups = {family: sorted(group, key=lambda one: one[:2]) for family, group in found.items()}
    return {
        family: [(_words(-share, wrong), board) for share, wrong, board in group]
        for family, group in groups.items()
        if len({one[:2] for one in group}) > 1
    }


def _words(share: float, wrong: float) -> str:
    return f"{100 * share:g} %" + (f" + {100 * wrong:g} % wrong" if wrong else "")


def _rate_drawing(material: Material, rates: Rates) -> Drawing:
    scenarios = sorted({scenario for scenario, _ in rates})
    with drawing():
        figure, panels = grid(len(scenarios), 3, (2.4, 2.0), share=False)
        for panel, scenario in zip(panels, scenarios, strict=True):
            _prepare(
                panel, scenario, next(board for board in material.headline_boards if board.entry.scenario == scenario)
            )
            methods = [(method, rows) for (where, method), rows in rates.items() if where == scenario]
            for order, (method, rows) in enumerate(methods):
                points = [
                    (rate, row.contender.interval) for rate, row in rows if row.contender and row.contender.interval
                ]
                _line(panel, points, method, order)
            panel.set(xscale="log", xlabel="learning rate")
        figure.supylabel("residual", fontsize=8)
    lines = [_data(scenario, rate, row) for (scenario, _), rows in rates.items() for rate, row in rows]
    caption = _caption(material, "Residual against learning rate, all else at its default.")
    table = Table("sensitivity-lr", COLUMNS, lines)
    return Drawing("sensitivity-lr", figure, caption, "Residual against learning rate by method.", table)


def _request_drawing(material: Material, requests: Mapping[str, Sequence[tuple[str, Board]]]) -> Drawing:
    lines: list[Sequence[Cell]] = []
    with drawing():
        figure, panels = grid(len(requests), 3, (3.0, 2.2), share=False)
        for panel, (scenario, group) in zip(panels, requests.items(), strict=True):
            _prepare(panel, scenario, group[0][1])
            names = sorted({row.name for _, board in group for row in board.methods})
            for order, name in enumerate(names):
                points = []
                for place, (words, board) in enumerate(group):
                    for row in board.methods:
                        if row.name == name and row.contender and row.contender.interval:
                            points.append((place + 0.05 * (order - len(names) / 2), row.contender.interval))
                            lines.append(_data(board.entry.scenario, words, row))
                _line(panel, points, name, order)
            panel.set_xticks(range(len(group)), [words for words, _ in group], fontsize=6.5)
            panel.set_xlabel("share of the poisons that the request names")
        figure.supylabel("residual", fontsize=8)
    caption = _caption(
        material,
        "Residual against what the request names; retraining, 0, is on what the request leaves, poisons it missed "
        "included. Requests whose attack did not take have no points.",
    )
    table = Table("sensitivity-request", COLUMNS, lines)
    return Drawing("sensitivity-request", figure, caption, "Residual by share of identified poisons.", table)


def _caption(material: Material, what: str) -> str:
    seeds = sorted({seed for board in material.headline_boards for seed in board.seeds})
    return (
        f"{what} 95 % intervals (Fieller's, over {seeds_text(seeds)} at most); band: within the noise floor. "
        f"{made_by(material.entries, material.command)}"
    )


def _data(scenario: str, setting: str | float, row: Row) -> list[Cell]:
    interval = row.contender.interval if row.contender else None
    numbers = [interval.estimate, interval.low, interval.high] if interval else [None] * 3
    gap = row.contender.gap if row.contender else None
    return [scenario, row.family, setting, *numbers, interval_text(gap, 1), row.seeds]


def _prepare(panel: Axes, title: str, board: Board) -> None:
    floor = min(board.floor, 10.0)
    panel.axhspan(-floor, floor, color=BAND, linewidth=0)
    panel.axhline(1, color=PALE, linewidth=0.7, linestyle=":")
    panel.set(ylim=(-0.6, 1.6))
    panel.set_title(title, fontsize=7)


def _line(panel: Axes, points: Sequence[tuple[float, Interval]], name: str, order: int) -> None:
    if not points:
        return
    style, marker = LINES[order % len(LINES)], MARKERS[order % len(MARKERS)]
    values = [float(np.clip(one.estimate, -0.6, 1.6)) for _, one in points]
    panel.plot(
        [place for place, _ in points], values, color=INK, linewidth=0.9, linestyle=style, marker=marker, markersize=3.5
    )
    for place, one in points:
        low, high = (float(np.clip(end, -0.6, 1.6)) for end in (one.low, one.high))
        panel.plot([place, place], [low, high], color=INK, linewidth=0.5)
    panel.annotate(
        name, (points[-1][0], values[-1]), xytext=(5, 0), textcoords="offset points", fontsize=6, va="center"
    )
