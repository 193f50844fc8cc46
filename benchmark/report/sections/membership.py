"""A membership attack beside the Gaussian audit."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from benchmark.report.evidence import Evidence, Membership
from benchmark.report.material import made_by, seeds_text
from benchmark.report.roc import auc_deviation, audit_band, loss_attack_band
from benchmark.report.section import Drawing, Gap, Section, Table
from benchmark.report.style import BAND, INK, drawing, grid
from leaderboard import paired_interval
from leaderboard.text import budget_text

FPR = 0.01
COLUMNS = (
    "scenario",
    "method",
    "budget",
    "seed",
    "members",
    "held out",
    "loss TPR at FPR .01",
    "loss AUC",
    "audit TPR at FPR .01",
    "audit AUC",
)


def membership(evidence: Evidence) -> Section:
    """Return the section: what two attacks say of the same models."""
    text = (
        "The loss-threshold attack calls a sample a member where its loss is low. Members are the forget set as it was "
        "trained on; held-out samples are test images with fresh noise of the same variance, so that they differ in "
        "membership alone, and the retrain baseline reads as chance. The Gaussian audit looks at the same models."
    )
    gaps = [
        Gap("per-example U-LiRA with shadow models, the strong attack: this suite has none"),
        Gap("texts: the attack is run on images only"),
    ]
    groups: dict[str, list[Membership]] = {}
    for row in evidence.memberships:
        groups.setdefault(row.scenario, []).append(row)
    if not groups:
        command = "python -m benchmark run --scenarios cifar10-gaussian-cnn-v2"
        gaps.insert(0, Gap("no model of a Gaussian poison on images in the store", command))
    drawings = [_drawing(evidence, scenario, rows) for scenario, rows in groups.items()]
    return Section("c", "Membership attack beside the Gaussian audit", [text], drawings, gaps=gaps)


def _drawing(evidence: Evidence, scenario: str, rows: Sequence[Membership]) -> Drawing:
    name = f"membership-{scenario}"
    order = [entry.method.name for entry in evidence.material.of(scenario)]
    methods = sorted({row.method for row in rows}, key=order.index)
    first, seeds = rows[0], sorted({row.seed for row in rows})
    with drawing():
        figure, panels = grid(2, 2, (3.6, 0.55 + 0.24 * len(methods)), share=False)
        loss = loss_attack_band(first.members, first.held_out, FPR, len(seeds))
        audit = audit_band(first.members, FPR, len(seeds))
        _panel(panels[0], rows, methods, ("loss_tpr", "audit_tpr"), (loss, audit))
        panels[0].set(xscale="log", xlabel="true-positive rate at a false-positive rate of .01")
        wide = 1.96 * auc_deviation(first.members, first.held_out, len(seeds))
        narrow = 1.96 * float(np.sqrt(1 / (12 * first.members * len(seeds))))
        _panel(
            panels[1],
            rows,
            methods,
            ("loss_auc", "audit_auc"),
            ((0.5 - wide, 0.5 + wide), (0.5 - narrow, 0.5 + narrow)),
        )
        panels[1].set(xlabel="area under the curve", yticklabels=[])
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    caption = (
        f"{scenario} at {budget_text(first.budget)} of training: mean over {seeds_text(seeds)} with 95 % t intervals. "
        f"Circles: loss-threshold attack, {first.members} members against {first.held_out} held-out samples. Squares: "
        "Gaussian audit. Bands: central 95 % of the mean under no membership, hatched for the loss attack (left "
        "beta-binomial, right Mann-Whitney), plain for the audit (left binomial, right the mean of uniforms). "
        f"{made_by(evidence.material.of(scenario), evidence.material.command)}"
    )
    data = Table(name, COLUMNS, [_line(row) for row in rows])
    return Drawing(name, figure, caption, f"Loss attack and audit by method for {scenario}.", data)


def _line(row: Membership) -> list[str | int | float]:
    rates = [row.loss_tpr, row.loss_auc, row.audit_tpr, row.audit_auc]
    return [row.scenario, row.method, row.budget, row.seed, row.members, row.held_out, *rates]


def _panel(
    panel: Axes,
    rows: Sequence[Membership],
    methods: Sequence[str],
    names: tuple[str, str],
    bands: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    panel.axvspan(*bands[0], facecolor="none", edgecolor="#999999", hatch="////", linewidth=0)
    panel.axvspan(*bands[1], color=BAND, linewidth=0, alpha=0.8)
    kinds = ((names[0], "o", "white", "loss-threshold attack", -0.15), (names[1], "s", INK, "Gaussian audit", 0.15))
    for name, marker, fill, label, offset in kinds:
        for line, method in enumerate(methods):
            interval = paired_interval([getattr(row, name) for row in rows if row.method == method])
            place = line + offset
            if interval.bounded:
                panel.plot([max(interval.low, 1e-4), interval.high], [place, place], color=INK, linewidth=0.7)
            panel.plot(
                [interval.estimate],
                [place],
                marker=marker,
                color=INK,
                markerfacecolor=fill,
                markersize=4.5,
                linestyle="",
                label=label if line == 0 else None,
            )
    panel.set(yticks=range(len(methods)), yticklabels=list(methods), ylim=(len(methods) - 0.5, -0.5))
