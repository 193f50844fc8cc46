"""How figures look: black on white, told apart by line, marker and hatching, never by colour alone."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MIDDLE, PALE, BAND = "#000000", "#666666", "#a6a6a6", "#dddddd"
LINES: Sequence[str | tuple[int, tuple[int, ...]]] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = "osD^vPX<>*hpd"

SETTINGS: Any = {  # the stubs list every key
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw, or save, in the report's style."""
    with mpl.rc_context(SETTINGS):
        yield


def grid(count: int, columns: int, size: tuple[float, float], *, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``count`` equal panels in rows of ``columns``, each ``size`` inches, and the panels."""
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * size[0], rows * size[1]), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).flatten().tolist()
    for place, panel in enumerate(axes):
        panel.set_visible(place < count)
        if place < count <= place + columns:
            panel.tick_params(labelbottom=True)
    return figure, axes[:count]


def save(figure: Figure, folder: Path, name: str) -> str:
    """Write a figure as ``<name>.svg`` and ``<name>.pdf``; return the SVG element for a page, see :func:`inline`."""
    with drawing(), mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
    return inline((folder / f"{name}.svg").read_text(encoding="utf-8"), name)


def inline(text: str, name: str) -> str:
    """Return the element of an SVG file, its ids begun with ``name``, so that several can stand in one page."""
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    return re.sub(r'(xlink:href="|href="|url\()#', rf"\g<1>#{name}-", text).strip()
