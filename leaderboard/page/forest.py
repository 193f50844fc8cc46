"""The small picture of a residual that stands in its row."""

import math
from dataclasses import dataclass

from leaderboard.page.figure import Axis
from leaderboard.statistics import Interval
from leaderboard.verdict import NEGLIGIBLE

SCALE = Axis(-0.5, 1.5, 6.0, 154.0)
"""The same for every row, so that rows of different boards can be compared by eye."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Pixels of an interval, its estimate, and the band of the noise floor; an end outside the frame has an arrow."""

    at: float
    low: float
    high: float
    beyond: str
    floor: tuple[float, float] | None


def forest(interval: Interval, floor: float) -> Forest:
    """Return the picture of ``interval`` above the band of ``floor``, which is left out where it is infinite."""
    wide = max(floor, NEGLIGIBLE)
    left, right = SCALE.place(-wide), SCALE.place(wide)
    low, high = (interval.low, interval.high) if interval.bounded else (interval.estimate, interval.estimate)
    return Forest(
        at=SCALE.place(interval.estimate),
        low=SCALE.place(low),
        high=SCALE.place(high),
        beyond="left" if interval.estimate < SCALE.low else "right" if interval.estimate > SCALE.high else "",
        floor=(left, round(right - left, 1)) if math.isfinite(floor) else None,
    )
