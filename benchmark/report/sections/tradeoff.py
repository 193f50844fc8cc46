"""Trade-off curves of the Gaussian audit."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.material import HEADLINE, Material, made_by, seeds_text
from benchmark.report.roc import FloatArray, audit_band
from benchmark.report.section import Cell, Drawing, Gap, Section, Table
from benchmark.report.style import BAND, INK, LINES, MIDDLE, drawing, grid
from callbacks.functional import area_under_curve, trade_off_curve, true_positive_rate
from leaderboard import Entry, Interval, paired_interval
from leaderboard.text import budget_text, interval_text

EFFECT = "gaussian_correlation"
FPRS = np.geomspace(1e-3, 1, 121)
FPR = 0.01

Curves = Mapping[str, Sequence[FloatArray]]
"""Statistics I of every poison by method, one array ``(P,)`` per seed."""


def tradeoff(material: Material) -> Section:
    """Return the section: exact curves from the statistic of every poison, for each scenario and budget."""
    text = (
        "Share of poisons whose statistic I lies above the value that a share FPR of N(0, 1) exceeds. A model that "
        "never saw the noise lies on the diagonal (grey band); training on it lifts the curve. Curves are counted from "
        "the statistic of every poison, none is fitted."
    )
    drawings, tables, gaps = [], [], []
    for scenario in material.scenarios:
        entries = material.of(scenario)
        if entries[0].effect.name != EFFECT:
            continue
        measured = {budget: _curves(material, scenario, budget) for budget in _budgets(entries)}
        curves = {budget: found for budget, found in measured.items() if found}
        if not curves:
            gaps.append(Gap(f"no audit of {scenario} in the store", f"python -m benchmark run --scenarios {scenario}"))
            continue
        drawings.append(_drawing(material, scenario, entries, curves))
        tables.append(_table(scenario, curves))
    if not drawings and not gaps:
        gaps.append(Gap("no Gaussian poison among the entries", "python -m benchmark run --suite mini"))
    return Section("a", "Trade-off curves of the Gaussian audit", [text], drawings, tables, gaps)


def _budgets(entries: Sequence[Entry]) -> list[float]:
    return sorted({result.budget for entry in entries for result in entry.results})


def _curves(material: Material, scenario: str, budget: float) -> dict[str, Sequence[FloatArray]]:
    found: dict[str, Sequence[FloatArray]] = {}
    for entry, seeds in material.results(scenario, budget):
        values = [material.statistics(seed) for seed in seeds]
        known = [value for value in values if value is not None]
        if known and len(known) == len(values):
            found[entry.method.name] = known
    return found


def _drawing(material: Material, scenario: str, entries: Sequence[Entry], curves: Mapping[float, Curves]) -> Drawing:
    shown = {budget: curves[budget] for budget in chosen_budgets(list(curves))}
    methods = [entry.method.name for entry in entries if any(entry.method.name in found for found in shown.values())]
    names = [name for name in methods if name not in ("no_unlearning", "retrain")]
    with drawing():
        figure, panels = grid(len(names), 4, (1.75, 1.65))
        for panel, name in zip(panels, names, strict=True):
            _panel(panel, name, shown)
        _label(figure, panels)
    some = next(iter(next(iter(shown.values())).values()))
    more = "; the other budgets are in table and data" if len(shown) < len(curves) else ""
    seeds = [seed.seed for seed in entries[0].results[0].seeds]
    lines = ", ".join(
        f"{_named(LINES[place % len(LINES)])} {budget_text(budget)}" for place, budget in enumerate(shown)
    )
    caption = (
        f"{scenario}: mean over {seeds_text(seeds)} of {len(some[0])} poisons each. Black: the method ({lines} of "
        f"training{more}), with whiskers at FPR .01 for the 95 % t interval over seeds. Thin grey, upper: the "
        "poisoned model; lower, dotted: the retrain baseline. Band: central 95 % of a clean model's curve at each FPR "
        f"(binomial, all seeds together). {made_by(entries, material.command)}"
    )
    alternative = f"Trade-off curves for {scenario}, one panel a method; the numbers are in tradeoff-{scenario}.csv."
    return Drawing(f"tradeoff-{scenario}", figure, caption, alternative, _points(scenario, curves))


def chosen_budgets(budgets: Sequence[float]) -> list[float]:
    """Return what is drawn of ``budgets``, ascending: the least, the largest up to 10 %, and the largest."""
    within = [budget for budget in budgets if budget <= HEADLINE * (1 + 1e-9)]
    return sorted({budgets[0], *within[-1:], budgets[-1]})


def _named(line: object) -> str:
    return {"-": "solid", "--": "dashed", "-.": "dash-dot", ":": "dotted"}.get(str(line), "broken")


def _panel(panel: Axes, name: str, curves: Mapping[float, Curves]) -> None:
    some = next(iter(curves.values()))
    baseline = some.get("retrain") or next(iter(some.values()))
    bands = np.array([audit_band(len(baseline[0]), float(fpr), len(baseline)) for fpr in FPRS])
    panel.fill_between(FPRS, np.maximum(bands[:, 0], 1e-4), bands[:, 1], color=BAND, linewidth=0)
    for role, style in (("no_unlearning", "-"), ("retrain", ":")):
        if role in some:
            panel.plot(FPRS, mean_curve(some[role], FPRS), color=MIDDLE, linewidth=0.9, linestyle=style)
    for place, found in enumerate(curves.values()):
        if name in found:
            panel.plot(
                FPRS, mean_curve(found[name], FPRS), color=INK, linewidth=1.2, linestyle=LINES[place % len(LINES)]
            )
            rate = rates(found[name])
            if rate.bounded:
                low, high = max(rate.low, 1e-4), rate.high
                panel.plot([FPR, FPR], [low, high], color=INK, linewidth=0.8, marker="_", markersize=4)
    panel.set(xscale="log", yscale="log", xlim=(1e-3, 1), ylim=(1e-3, 1.05))
    panel.set_title(name, pad=3)


def _label(figure: Figure, panels: Sequence[Axes]) -> None:
    figure.supxlabel("false-positive rate", fontsize=8)
    figure.supylabel("true-positive rate", fontsize=8)
    first = panels[0]
    first.annotate(
        "poisoned",
        (0.02, 0.11),
        xytext=(0.0014, 0.4),
        fontsize=6.5,
        color=MIDDLE,
        arrowprops={"arrowstyle": "-", "color": MIDDLE, "linewidth": 0.5},
    )
    first.annotate(
        "retrain",
        (0.1, 0.1),
        xytext=(0.12, 0.008),
        fontsize=6.5,
        color=MIDDLE,
        arrowprops={"arrowstyle": "-", "color": MIDDLE, "linewidth": 0.5},
    )


def mean_curve(seeds: Sequence[FloatArray], fprs: FloatArray) -> FloatArray:
    """Return the mean over seeds of the true-positive rate at each of ``fprs`` ``(F,)``."""
    return np.asarray(np.mean([trade_off_curve(values, fprs) for values in seeds], axis=0), dtype=np.float64)


def rates(seeds: Sequence[FloatArray]) -> Interval:
    """Return the true-positive rate at a false-positive rate of .01, with its t interval over seeds."""
    return paired_interval([true_positive_rate(values, FPR) for values in seeds])


def _points(scenario: str, curves: Mapping[float, Curves]) -> Table:
    rows: list[Sequence[Cell]] = [
        [budget, method, float(fpr), float(tpr)]
        for budget, found in curves.items()
        for method, seeds in found.items()
        for fpr, tpr in zip(FPRS, mean_curve(seeds, FPRS), strict=True)
    ]
    return Table(f"tradeoff-{scenario}", ("budget", "method", "fpr", "mean tpr"), rows)


def _table(scenario: str, curves: Mapping[float, Curves]) -> Table:
    rows: list[Sequence[Cell]] = []
    for budget, found in curves.items():
        for method, seeds in found.items():
            area = paired_interval([area_under_curve(values) for values in seeds])
            mean = paired_interval([float(values.mean()) for values in seeds])
            cells = [interval_text(interval, 3) for interval in (rates(seeds), area, mean)]
            rows.append([budget_text(budget), method, *cells, len(seeds)])
    columns = ("budget", "method", "TPR at FPR .01", "area", "mean of I", "seeds")
    return Table(f"tradeoff-summary-{scenario}", columns, rows)
