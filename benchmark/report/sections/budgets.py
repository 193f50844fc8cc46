"""Residual against budget."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.material import HEADLINE, Material, made_by, seeds_text
from benchmark.report.section import Drawing, Gap, Section, Table
from benchmark.report.sections.matrix import COLUMNS, lines_of
from benchmark.report.style import BAND, INK, LINES, MARKERS, PALE, drawing, grid
from leaderboard import Board, Interval
from leaderboard.text import budget_text

PAPER = (0.02, 0.04, 0.06, 0.08, 0.1)
BEYOND = (0.2, 0.5, 1.0)
LIMITS = (-0.6, 1.6)


def budgets(material: Material) -> Section:
    """Return the section: one panel a scenario, whatever budgets the entries hold."""
    text = ["How the residual falls as a method may spend more. A budget is a share of the cost of training."]
    boards = [board for board in material.boards if board.took is not False]
    by_scenario: dict[str, list[Board]] = {}
    for board in boards:
        by_scenario.setdefault(board.entry.scenario, []).append(board)
    gaps = _gaps(material)
    if not by_scenario:
        return Section("b", "Residual against budget", text, gaps=gaps)
    several = any(len(group) > 1 for group in by_scenario.values())
    with drawing():
        figure = _lines(by_scenario) if several else _dots(by_scenario)
    seeds = sorted({seed for board in boards for seed in board.seeds})
    caption = (
        f"Residual with its 95 % interval (Fieller's, over {seeds_text(seeds)} at most); 0 is retraining, 1 no "
        "unlearning. Band: within the noise floor, the residual that one retrain shows against another; where it fills "
        "a panel, the floor is larger than the panel. What lies beyond a panel is drawn at its edge. "
        f"{made_by(material.entries, material.command)}"
    )
    data = Table("budgets", COLUMNS, [line for board in boards for line in lines_of(board)])
    figures = [Drawing("budgets", figure, caption, "Residual by budget and method, one panel a scenario.", data)]
    return Section("b", "Residual against budget", text, figures, gaps=gaps)


def _gaps(material: Material) -> list[Gap]:
    held = {board.budget for board in material.boards}
    scenarios = ",".join(material.scenarios)
    gaps = []
    for wanted, what in ((PAPER, "the paper's budgets"), (BEYOND, "budgets beyond 10 %")):
        missing = [budget for budget in wanted if budget not in held]
        if missing:
            shown = ", ".join(budget_text(budget) for budget in missing)
            listed = ",".join(f"{budget:g}" for budget in wanted)
            gaps.append(Gap(f"{what}: {shown}", f"python -m benchmark run --scenarios {scenarios} --budgets {listed}"))
    return gaps


def _panels(by_scenario: dict[str, list[Board]], columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure, panels = grid(len(by_scenario), columns, size, share=False)
    for panel, (scenario, boards) in zip(panels, by_scenario.items(), strict=True):
        floor = min(boards[-1].floor, 10.0)
        panel.axhspan(-floor, floor, color=BAND, linewidth=0)
        panel.axhline(1, color=PALE, linewidth=0.7, linestyle=":")
        panel.set_title(scenario, fontsize=7)
        panel.set_ylim(*LIMITS)
    figure.supylabel("residual", fontsize=8)
    return figure, panels


def _dots(by_scenario: dict[str, list[Board]]) -> Figure:
    figure, panels = _panels(by_scenario, 3, (2.4, 2.0))
    for panel, (board, *_) in zip(panels, by_scenario.values(), strict=True):
        rows = sorted(board.methods, key=lambda row: row.name)
        for place, row in enumerate(rows):
            if row.contender and row.contender.interval:
                _mark(panel, place, row.contender.interval, "o", INK)
        panel.set_xticks(range(len(rows)), [row.name for row in rows], rotation=90, fontsize=6.5)
        panel.set_xlabel(f"budget {budget_text(board.budget)}", fontsize=7)
    return figure


def _lines(by_scenario: dict[str, list[Board]]) -> Figure:
    figure, panels = _panels(by_scenario, 2, (3.9, 2.5))
    names = sorted({row.name for boards in by_scenario.values() for board in boards for row in board.methods})
    for panel, boards in zip(panels, by_scenario.values(), strict=True):
        for order, name in enumerate(names):
            found = _found(boards, name)
            spread = 1 + 0.012 * (order - len(names) / 2)  # side by side
            places = [100 * budget * spread for budget, _ in found]
            shown = [float(np.clip(one.estimate, *LIMITS)) for _, one in found]
            style, marker = LINES[order % len(LINES)], MARKERS[order % len(MARKERS)]
            grey = str(0.45 * (order % 3) / 2)
            panel.plot(places, shown, linestyle=style, color=grey, linewidth=0.9, label=name)
            for place, (_, one) in zip(places, found, strict=True):
                _mark(panel, place, one, marker, grey)
        held = sorted({board.budget for board in boards})
        panel.set_xscale("log")
        panel.set_xticks([100 * budget for budget in held], [f"{100 * budget:g}" for budget in held], fontsize=6.5)
        panel.minorticks_off()
        if any(budget > HEADLINE for budget in held):
            panel.axvline(100 * HEADLINE, color=PALE, linewidth=0.7, linestyle="--")
        _names_at_the_end(panel, boards, names)
    figure.supxlabel("budget in % of training", fontsize=8)
    return figure


def _found(boards: Sequence[Board], name: str) -> list[tuple[float, Interval]]:
    rows = [(board.budget, row) for board in boards for row in board.methods if row.name == name]
    return [(budget, row.contender.interval) for budget, row in rows if row.contender and row.contender.interval]


def _names_at_the_end(panel: Axes, boards: Sequence[Board], names: Sequence[str]) -> None:
    """Write each method beside its last point, moved apart where they would overlap."""
    ends = [(found[-1][1].estimate, name) for name in names if (found := _found(boards, name))]
    gap, top = 0.115, LIMITS[1]
    places = [min(max(estimate, LIMITS[0]), top) for estimate, _ in sorted(ends)]
    for line in range(1, len(places)):
        places[line] = max(places[line], places[line - 1] + gap)
    overflow = max(0.0, places[-1] - top) if places else 0.0
    places = [place - overflow for place in places]
    for place, (_, name) in zip(places, sorted(ends), strict=True):
        marker = MARKERS[names.index(name) % len(MARKERS)]
        across = panel.get_yaxis_transform()
        panel.plot([1.03], [place], marker=marker, markersize=3.2, color=INK, transform=across, clip_on=False)
        panel.text(1.06, place, name, transform=across, fontsize=6, va="center")


def _mark(panel: Axes, place: float, interval: Interval, marker: str, ink: str) -> None:
    low, high = (float(np.clip(end, *LIMITS)) for end in (interval.low, interval.high))
    panel.plot([place, place], [low, high], color=ink, linewidth=0.6)
    estimate = float(np.clip(interval.estimate, *LIMITS))
    panel.plot([place], [estimate], marker=marker, color=ink, markersize=3.5, linestyle="", clip_on=False)
