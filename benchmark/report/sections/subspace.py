"""Hypothesis 2: poisons move the model where gradients of clean samples do not lead back."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from benchmark.report.convex import FEW, FEW_PENALTY
from benchmark.report.evidence import Alignment, Evidence
from benchmark.report.material import made_by, seeds_text
from benchmark.report.section import Cell, Drawing, Gap, Section, Table
from benchmark.report.style import INK, PALE, drawing, grid
from leaderboard import paired_interval

COLUMNS = ("scenario", "attack", "seed", "regime", "removed", "cosine of gradient", "cosine of Newton step", "outside")
RUN = "python -m benchmark run --suite mini"


def subspace(evidence: Evidence) -> Section:
    """Return the section: cosines between steps on the retain set and the desired shift."""
    text = (
        "From the optimum with the samples that are to go, the desired shift leads to the optimum without them. Shown "
        "is its cosine with minus the gradient of the loss on the samples that stay. The Newton step stands beside it: "
        "for linear regression it must have cosine 1, which checks the arithmetic. With more samples than dimensions, "
        "features are those of (d): logistic regression with its penalty, whose gradient counts, and linear regression "
        f"of one-hot targets without one. With fewer: linear regression, {FEW} samples at most, all features of the "
        f"network at a mean norm of 1, and a penalty of {FEW_PENALTY:g} that makes the optimum unique and is left out "
        "of the gradient. The table says which share of the shift lies outside the span of the samples that stay: no "
        "gradient on them reaches it."
    )
    rows = evidence.alignments
    if not rows:
        gap = Gap("no retrain baseline of a poison on images in the store", RUN)
        return Section("e", "H2: orthogonal subspace", [text], gaps=[gap])
    regimes = list(dict.fromkeys(row.regime for row in rows))
    scenarios = sorted({(row.attack, row.scenario) for row in rows})
    with drawing():
        figure, panels = grid(len(regimes), 3, (2.5, 0.95 + 0.34 * len(scenarios)), share=False)
        for place, (panel, regime) in enumerate(zip(panels, regimes, strict=True)):
            chosen = [row for row in rows if row.regime == regime]
            _panel(panel, chosen, [scenario for _, scenario in scenarios])
            labels = [attack for attack, _ in scenarios] if place == 0 else []
            panel.set(yticks=range(len(scenarios)), yticklabels=labels or [""] * len(scenarios), title=regime)
        handles, words = panels[0].get_legend_handles_labels()
        figure.legend(handles, words, loc="outside upper center", ncols=4, frameon=False, fontsize=7)
        least = min(0.0, *(min(row.gradient, row.newton) for row in rows))
        for panel in panels:
            panel.set_xlim(least - 0.1, 1.08)
        figure.supxlabel("cosine with the desired shift", fontsize=8)
    seeds = sorted({row.seed for row in rows})
    entries = [entry for entry in evidence.material.entries if entry.modality == "image"]
    caption = (
        f"Mean over {seeds_text(seeds)} with 95 % t intervals; the dotted line is 0, orthogonal. "
        f"{made_by(entries, evidence.material.command)}"
    )
    data = Table("subspace", COLUMNS, [_line(row) for row in rows])
    alternative = "Cosines of gradient and Newton steps with the desired shift, by attack and regime."
    return Section(
        "e",
        "H2: orthogonal subspace",
        text,
        [Drawing("subspace", figure, caption, alternative, data)],
        [_outside(rows)],
    )


def _line(row: Alignment) -> list[Cell]:
    return [row.scenario, row.attack, row.seed, row.regime, row.removed, row.gradient, row.newton, row.outside]


def _panel(panel: Axes, rows: Sequence[Alignment], scenarios: Sequence[str]) -> None:
    panel.axvline(0, color=PALE, linestyle=":", linewidth=1)
    kinds = (("poison", -0.15, INK, "poisons"), ("random", 0.15, "white", "random points"))
    for removed, offset, fill, label in kinds:
        for line, scenario in enumerate(scenarios):
            chosen = [row for row in rows if row.scenario == scenario and row.removed == removed]
            for name, marker, size in (("gradient", "o", 4.5), ("newton", "D", 3.5)):
                interval = paired_interval([getattr(row, name) for row in chosen])
                if interval.bounded:
                    panel.plot([interval.low, interval.high], [line + offset] * 2, color=INK, linewidth=0.7)
                word = f"{label}, {'gradient' if name == 'gradient' else 'Newton'} step"
                panel.plot(
                    [interval.estimate],
                    [line + offset],
                    marker=marker,
                    markersize=size,
                    color=INK,
                    markerfacecolor=fill,
                    linestyle="",
                    label=word if line == 0 else None,
                )
    panel.set(ylim=(len(scenarios) - 0.5, -0.5))


def _outside(rows: Sequence[Alignment]) -> Table:
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row.outside is not None:
            found.setdefault((row.attack, row.removed), []).append(row.outside)
    lines: list[Sequence[Cell]] = [[*key, sum(values) / len(values), min(values)] for key, values in found.items()]
    return Table("subspace-outside", ("attack", "removed", "mean share of the shift outside the span", "least"), lines)
