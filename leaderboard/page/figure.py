"""Figures as geometry: what a template draws as SVG, in pixels of a fixed canvas."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

WIDTH, HEIGHT = 600.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 18.0, 18.0, 48.0
CHARACTER, LINE = 6.6, 13.0
"""Size of a character of a label, in pixels: what its place is planned with."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from numbers to pixels.

    Attributes:
        low: least number shown; above 0 where ``log``.
        high: greatest, above ``low``.
        start: pixel of ``low``.
        end: pixel of ``high``.
        log: whether equal ratios, instead of equal differences, are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of ``value``, that of the nearer end where it lies outside."""
        low, high, at = (self._scaled(number) for number in (self.low, self.high, self.clip(value)))
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 1)

    def clip(self, value: float) -> float:
        """Return the nearest number that is shown."""
        return min(max(value, self.low), self.high)

    def holds(self, value: float) -> bool:
        """Whether ``value`` is shown where it is."""
        return self.low <= value <= self.high

    def ticks(self, count: int = 6) -> tuple[tuple[float, str], ...]:
        """Return pixel and text of at most about ``count`` round numbers."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return tuple((self.place(10.0**power), f"{10.0**power:g}") for power in powers)
        step = _step((self.high - self.low) / count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple((self.place(place * step), f"{place * step:z.6g}") for place in range(first, last + 1))

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded rectangle: left, top, width and height in pixels, and the class that colours it."""

    x: float
    y: float
    width: float
    height: float
    look: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that can be pointed at.

    Attributes:
        x: pixel.
        y: pixel.
        row: identifier of the row it belongs to; empty if none.
        look: class that gives colour and shape.
        shape: ``circle``, ``diamond``, or ``left``, ``right``, ``up``, ``down``: the point lies farther that way.
        tip: what it says.
        label: its name; printed where there is room.
        bars: intervals as lines, each ``(x1, y1, x2, y2)``.
        at: where the label goes, ``(x, y, anchor)``; None where there is no room.
    """

    x: float
    y: float
    row: str
    look: str
    shape: str
    tip: str
    label: str = ""
    bars: tuple[tuple[float, float, float, float], ...] = ()
    at: tuple[float, float, str] | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through ``points``, ``x,y`` pairs in the notation of SVG; ``area`` fills it."""

    points: str
    row: str
    look: str
    tip: str = ""
    area: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One plot. ``caption`` says what is drawn and how to read it, ``absent`` what the entries do not hold."""

    title: str
    caption: str
    x: Axis
    y: Axis
    x_title: str
    y_title: str
    bands: tuple[Band, ...] = ()
    rules: tuple[tuple[float, float, float, float, str], ...] = ()
    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    absent: str = ""
    legend: tuple[tuple[str, str], ...] = ()


def horizontal(low: float, high: float, *, log: bool = False) -> Axis:
    """Return the axis along the bottom of the canvas."""
    return Axis(low, high, LEFT, WIDTH - RIGHT, log)


def vertical(low: float, high: float, *, log: bool = False) -> Axis:
    """Return the axis along the left side of the canvas, upwards."""
    return Axis(low, high, HEIGHT - BOTTOM, TOP, log)


def path(x: Axis, y: Axis, xs: list[float], ys: list[float]) -> str:
    """Return points in the notation of SVG."""
    return " ".join(f"{x.place(a):g},{y.place(b):g}" for a, b in zip(xs, ys, strict=True))


def labelled(marks: list[Mark], rules: Sequence[float] = ()) -> tuple[Mark, ...]:
    """Give each mark the first place for its label that meets neither another label, nor a mark, nor the frame.

    Places on one of the horizontal ``rules``, in pixels, are taken only where there is no other.
    """
    taken = [(mark.x - 6, mark.y - 6, mark.x + 6, mark.y + 6) for mark in marks]
    lines = [(LEFT, y - 1, WIDTH, y + 1) for y in rules]
    placed = []
    for mark in marks:
        at, box = _label_place(mark, taken + lines)
        if box is None:
            at, box = _label_place(mark, taken)
        if box is not None:
            taken.append(box)
        placed.append(replace(mark, at=at))
    return tuple(placed)


Box = tuple[float, float, float, float]


def _label_place(mark: Mark, taken: list[Box]) -> tuple[tuple[float, float, str] | None, Box | None]:
    width = CHARACTER * len(mark.label)
    for dx, dy in ((10, 4), (-10, 4), (0, -10), (0, 19), (9, -8), (9, 16), (-9, -8), (-9, 16)):
        x, y = mark.x + dx, mark.y + dy
        left = x if dx > 0 else x - width if dx < 0 else x - width / 2
        box = (left, y - LINE + 3, left + width, y + 3)
        inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= TOP - 8 and box[3] <= HEIGHT - BOTTOM
        if mark.label and inside and not any(_meet(box, other) for other in taken):
            return (round(x, 1), round(y, 1), "start" if dx > 0 else "end" if dx < 0 else "middle"), box
    return None, None


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))
