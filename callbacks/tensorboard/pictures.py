"""Pictures that can be read at a glance: distributions, trade-off curves, poisons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.functional import FloatArray, null_band, pooled_z, trade_off_curve, true_positive_rate
from callbacks.tensorboard.events import Pixels
from callbacks.tensorboard.views import PoisonImages

FPR = 0.01
CURVE_FPRS = np.geomspace(1e-3, 1, 61)
DPI = 130
ROUNDING = 1e-4
"""In [0, 1] pixel units: a smaller difference comes from normalising an image and back."""
COLORS = {
    "poisoned": "#D55E00",
    "unlearned": "#0072B2",
    "retrain": "#009E73",
    "second retrain": "#B8860B",
    "fresh noise": "#777777",
}


@dataclass(frozen=True)
class Series:
    """The statistic I of one network.

    Attributes:
        label: what it is.
        color: how it is drawn.
        values: ``(P,)``, one for each poison, finite.
    """

    label: str
    color: str
    values: FloatArray


def distributions(series: Sequence[Series]) -> Figure:
    """Draw one histogram under the other, each against the N(0, 1) density that a network without poison has."""
    figure = Figure(figsize=(5.6, 0.5 + 1.05 * len(series)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(series), sharex=True, sharey=True, squeeze=False)[:, 0]
    ends = [np.floor(min(-4.0, *(part.values.min() for part in series))), 4.0]
    ends[1] = np.ceil(max(ends[1], *(part.values.max() for part in series)))
    bins = np.arange(ends[0], ends[1] + 0.5, 0.5)
    grid = np.linspace(ends[0], ends[1], 200)
    null = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    for axis, part in zip(axes, series, strict=True):
        axis.hist(part.values, bins, density=True, color=part.color, alpha=0.55)
        axis.plot(grid, null, color="black", linestyle="--", linewidth=1.2)
        axis.axvline(part.values.mean(), color=part.color, linewidth=2.5)
        facts = f"mean {part.values.mean():+z.2f}, z {pooled_z(part.values):+z.1f}"
        axis.set_title(part.label, loc="left", color=part.color, weight="bold", size=12)
        axis.set_title(facts, loc="right", size=12)
        axis.set_yticks([])
        axis.spines[["top", "left", "right"]].set_visible(False)
    axes[0].set_xlim(*ends)
    axes[-1].set_xlabel("I: correlation with the noise (dashed: N(0, 1), nothing remembered)", size=11)
    return figure


def trade_off(series: Sequence[Series]) -> Figure:
    """Draw the true-positive rate against the false-positive rate, with the band that holds 95 % of the null."""
    figure = Figure(figsize=(7.2, 4.0), dpi=DPI, layout="constrained")
    axis = figure.subplots()
    count = min(len(part.values) for part in series)
    low, high = np.transpose([null_band(count, fpr) for fpr in CURVE_FPRS])
    axis.fill_between(CURVE_FPRS, low, high, color="0.85", linewidth=0, label="null band (95 %)")
    axis.plot(CURVE_FPRS, CURVE_FPRS, color="black", linestyle="--", linewidth=1.2)
    axis.axvline(FPR, color="0.5", linestyle=":", linewidth=1.2)
    for part in series:
        label = f"{part.label}: {true_positive_rate(part.values, FPR):.3f}"
        axis.plot(CURVE_FPRS, trade_off_curve(part.values, CURVE_FPRS), color=part.color, linewidth=2, label=label)
    axis.set_xscale("log")
    axis.set_xlim(CURVE_FPRS[0], 1)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("false-positive rate", size=12)
    axis.set_ylabel("true-positive rate", size=12)
    axis.grid(color="0.93")
    title = f"true-positive rate at {FPR:g}"
    figure.legend(
        loc="outside right upper", fontsize=12, title=title, title_fontsize=12, alignment="left", frameon=False
    )
    return figure


def poisons(images: PoisonImages) -> Figure:
    """Draw clean base sample, difference and poison; the difference is amplified around grey by the factor stated."""
    difference = images.poison - images.base
    factor = amplification(difference)
    middle = {f"difference ×{factor:g}\n(grey is 0)": 0.5 + factor * difference}
    rows = {"base": images.base} | middle | {"poison": images.poison}
    count = len(images.base)
    figure = Figure(figsize=(0.8 + count, 3.4), dpi=DPI, layout="constrained")
    axes = figure.subplots(3, count, squeeze=False)
    for line, (name, pixels) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, size=12)
        for axis, picture in zip(line, pixels, strict=True):
            axis.imshow(picture.clamp(0, 1).permute(1, 2, 0).numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set_xticks([])
            axis.set_yticks([])
    for axis, label in zip(axes[0], images.labels, strict=True):
        axis.set_title(label, size=9 if "\n" in label else 12)
    return figure


def amplification(difference: Tensor) -> float:
    """Return the factor that brings 99 % of ``difference`` into -0.5..0.5, rounded to one significant digit.

    Where hardly a pixel differs by more than rounding, as with a patch or a wrong label, it is 1.
    """
    reach = float(np.quantile(difference.abs().numpy(), 0.99))
    return float(f"{0.5 / reach:.0e}") if reach > ROUNDING else 1.0


def render(figure: Figure) -> Pixels:
    """Return the pixels ``(H, W, 3)`` of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
