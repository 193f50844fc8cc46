"""Pictures of attacks: how poisons were crafted, and what networks say to the images that are attacked."""

from collections.abc import Mapping
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from callbacks.tensorboard.pictures import DPI
from callbacks.tensorboard.views import CraftingCurves, Probe, Scored

LINES = ("-", "--", "-.", ":")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#7A4A9E", "#B8860B", "#333333")
WANTED, OTHERS, TRUE = "#B5410B", "#ECECEC", "#8FBBDA"
"""Of a bar: apart in grey as well, as dark, faint and middle."""

NARROW = 0.3
"""A part of a bar that is smaller than this has no room for its number."""

SIDE = 1.2
"""Inches of an image."""

GAP = 0.3
"""Between the bars of one version and the images of the next, in bars."""


def crafting(curves: CraftingCurves) -> Figure:
    """Draw one line for each thing crafted, named in the order in which the lines end."""
    figure = Figure(figsize=(7.2, 3.6), dpi=DPI, layout="constrained")
    axis = figure.subplots()
    looks = list(zip(curves.labels, curves.values.double().numpy(), cycle(LINES), cycle(COLORS), strict=False))
    for label, values, line, color in sorted(looks, key=lambda look: -look[1][-1]):
        end = f"{values[-1]:.2g}" if curves.logarithmic else f"{values[-1]:.3f}"
        axis.plot(values, line, color=color, linewidth=2, label=f"{label}: {end}")
        axis.plot(len(values) - 1, values[-1], "o", color=color, markersize=5)
    if curves.logarithmic and float(curves.values.min()) < 0.1 * float(curves.values.max()):
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=min(0.0, float(curves.values.min())))
    axis.set_xlim(left=0)
    axis.set_xlabel("steps of crafting", size=12)
    axis.set_ylabel(curves.quantity, size=12)
    axis.grid(color="0.93")
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", fontsize=11, title="at the end", title_fontsize=11, frameon=False)
    return figure


def answers(probe: Probe, networks: Mapping[str, Scored]) -> Figure:
    """Draw the images, and below each one bar a network: its probability of the wanted, of other and of the true class.

    Args:
        probe: the images.
        networks: from top to bottom, by name.
    """
    versions, count = probe.images.shape[:2]
    low = 0.24 * (len(networks) + GAP)
    height = versions * (SIDE + low + 0.2) + 0.8
    figure = Figure(figsize=(1.5 + 1.12 * SIDE * count, height), dpi=DPI, layout="constrained")
    axes = figure.subplots(2 * versions, count, squeeze=False, height_ratios=[SIDE, low] * versions)
    found = {name: probe.probabilities(network) for name, network in networks.items()}
    for version, name in enumerate(probe.versions):
        above, below = axes[2 * version], axes[2 * version + 1]
        above[0].set_ylabel(name, size=12)
        for column in range(count):
            _picture(above[column], probe.images[version, column])
            parts = {
                network: None if pair is None else (float(pair[0][version, column]), float(pair[1][version, column]))
                for network, pair in found.items()
            }
            _bars(below[column], parts, named=column == 0)
    for axis, label in zip(axes[0], probe.labels, strict=True):
        axis.set_title(label, size=11)
    handles = [Patch(color=WANTED), Patch(color=OTHERS), Patch(color=TRUE)]
    names = ["probability of the attacker's class", "of others", "of the true class"]
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=11, frameon=False)
    return figure


def _picture(axis: Axes, pixels: Tensor) -> None:
    axis.imshow(pixels.clamp(0, 1).permute(1, 2, 0).numpy(), cmap="gray", vmin=0, vmax=1)
    axis.set_xticks([])
    axis.set_yticks([])


def _bars(axis: Axes, parts: Mapping[str, tuple[float, float] | None], *, named: bool) -> None:
    for row, pair in enumerate(parts.values()):
        if pair is None:
            axis.text(0.5, row, "diverged", ha="center", va="center", size=10)
            continue
        wanted, true = pair
        axis.barh(row, 1, height=0.8, color=OTHERS)
        axis.barh(row, wanted, height=0.8, color=WANTED)
        axis.barh(row, true, left=1 - true, height=0.8, color=TRUE)
        inside = wanted >= NARROW
        place, color = (0.03, "white") if inside else (wanted + 0.03, "black")
        axis.text(place, row, f"{wanted:.2f}", color=color, ha="left", va="center", size=10)
        if true >= NARROW:
            axis.text(0.97, row, f"{true:.2f}", color="black", ha="right", va="center", size=10)
    axis.set_xlim(0, 1)
    axis.set_ylim(len(parts) - 0.5 + GAP, -0.5)
    axis.set_xticks([])
    axis.set_yticks(range(len(parts)) if named else [], list(parts) if named else [], size=10)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
