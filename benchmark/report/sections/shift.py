"""Hypothesis 1: poisons move the optimum further than random points do."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from benchmark.report.claims.convex import shift_ratios
from benchmark.report.convex import COMPONENTS, PENALTY
from benchmark.report.evidence import Evidence, Shift
from benchmark.report.material import made_by, seeds_text
from benchmark.report.section import Cell, Drawing, Gap, Section, Table
from benchmark.report.style import INK, MIDDLE, drawing, grid
from leaderboard import paired_interval
from leaderboard.text import interval_text

COLUMNS = ("scenario", "attack", "seed", "fraction", "count", "removed", "L1 shift", "L1 shift by influence")
RUN = "python -m benchmark run --suite mini"


def shift(evidence: Evidence) -> Section:
    """Return the section: shifts of the optimum of logistic regression on fixed features."""
    text = (
        "Logistic regression with an L2 penalty on features of the retrain baseline of each seed (inputs of its last "
        f"layer, first {COMPONENTS} principal components of the clean training split, penalty {PENALTY:g} beside a sum "
        "over samples), solved until the gradient is 1e-8 of that at zero. Poisons are removed from the poisoned set, "
        "and as many random samples from the clean one; the L1 norm of the shift is that of all weights."
    )
    rows = evidence.shifts
    if not rows:
        gap = Gap("no retrain baseline of a poison on images in the store", RUN)
        return Section("d", "H1: large shift of the model", [text], gaps=[gap])
    attacks = sorted({(row.scenario, row.attack) for row in rows})
    with drawing():
        figure, panels = grid(len(attacks), 3, (2.3, 1.9), share=False)
        for panel, (scenario, attack) in zip(panels, attacks, strict=True):
            _panel(panel, [row for row in rows if row.scenario == scenario], attack)
        figure.supxlabel("share of the poisons, or as many random points, removed in %", fontsize=8)
        figure.supylabel("L1 shift of the optimum", fontsize=8)
    seeds = sorted({row.seed for row in rows})
    entries = [entry for entry in evidence.material.entries if entry.modality == "image"]
    caption = (
        f"Mean over {seeds_text(seeds)} with 95 % t intervals. Filled, solid: poisons; open, dashed: random points; "
        "crosses: the influence function (one Newton step in closed form). In each title: ratio of the two shifts at "
        "100 %, geometric mean over seeds with the t interval of its logarithm. No shift is 0: there is no null band. "
        f"{made_by(entries, evidence.material.command)}"
    )
    data = Table("shift", COLUMNS, [_line(row) for row in rows])
    figure_ = Drawing("shift", figure, caption, "L1 shifts by share of removed samples, one panel an attack.", data)
    return Section("d", "H1: large shift of the model", [text], [figure_], [_ratios(rows)])


def _line(row: Shift) -> list[Cell]:
    return [row.scenario, row.attack, row.seed, row.fraction, row.count, row.removed, row.exact, row.influence]


def _panel(panel: Axes, rows: Sequence[Shift], attack: str) -> None:
    fractions = sorted({row.fraction for row in rows})
    for removed, style, fill in (("poison", "-", INK), ("random", "--", "white")):
        chosen = {
            fraction: [row for row in rows if row.fraction == fraction and row.removed == removed]
            for fraction in fractions
        }
        intervals = [paired_interval([row.exact for row in chosen[fraction]]) for fraction in fractions]
        places = [100 * fraction for fraction in fractions]
        panel.plot(
            places,
            [one.estimate for one in intervals],
            color=INK,
            linestyle=style,
            linewidth=1,
            marker="o",
            markersize=4,
            markerfacecolor=fill,
        )
        for place, one in zip(places, intervals, strict=True):
            if one.bounded:
                panel.plot([place, place], [one.low, one.high], color=INK, linewidth=0.7)
        estimates = [sum(row.influence for row in chosen[fraction]) / len(chosen[fraction]) for fraction in fractions]
        panel.plot(places, estimates, color=MIDDLE, linestyle="", marker="x", markersize=5)
        name = "poisons" if removed == "poison" else "random"
        panel.annotate(
            name,
            (places[-1], intervals[-1].estimate),
            xytext=(-4, 5),
            textcoords="offset points",
            ha="right",
            fontsize=6.5,
        )
    ratio = shift_ratios([row for row in rows if row.fraction == 1])
    panel.set_title(f"{attack}\nratio {interval_text(next(iter(ratio.values())))}", fontsize=7.5)
    panel.set(ylim=(0, None), xlim=(0, 106))


def _ratios(rows: Sequence[Shift]) -> Table:
    lines: list[Sequence[Cell]] = [
        [attack, f"{100 * fraction:g} %", interval_text(ratio)]
        for (attack, fraction), ratio in shift_ratios(rows).items()
    ]
    return Table("shift-ratios", ("attack", "removed", "shift for poisons / shift for random points"), lines)
