"""Numbers as text, the same in every output format."""

import math
from collections.abc import Mapping

from pydantic import JsonValue

from leaderboard.audit import Cell, Rate
from leaderboard.row import Row, Setting
from leaderboard.statistics import Interval

ABSENT = "-"


def number(value: float | None, digits: int = 2) -> str:
    """Return ``value`` with ``digits`` decimals, never as a negative zero; ``-`` for None."""
    return ABSENT if value is None else f"{value:z.{digits}f}"


def percent(fraction: float | None, digits: int = 1) -> str:
    """Return a fraction in per cent, without the sign."""
    return number(None if fraction is None else 100 * fraction, digits)


def budget_text(budget: float) -> str:
    """Return a budget in per cent, with as many digits as it needs."""
    return f"{100 * budget:.6g} %"


def interval_text(interval: Interval | None, digits: int = 2) -> str:
    """Return ``estimate [low, high]``; without an interval, the estimate is marked as that of one seed."""
    if interval is None:
        return ABSENT
    estimate, low, high = (number(value, digits) for value in (interval.estimate, interval.low, interval.high))
    return f"{estimate} [{low}, {high}]" if interval.bounded else f"{estimate} (one seed)"


def half_width_text(interval: Interval | None, digits: int = 1) -> str:
    """Return a symmetric interval as ``estimate ± half its width``; without one, the estimate as that of one seed."""
    if interval is None or not interval.bounded:
        return interval_text(interval, digits)
    return f"{number(interval.estimate, digits)} ± {number((interval.high - interval.low) / 2, digits)}"


def cell_text(cell: Cell, digits: int) -> str:
    """Return a spread as ``mean (least to greatest)``, a rate as ``successes/trials: rate [low, high]``."""
    if cell is None:
        return ABSENT
    if isinstance(cell, Rate):
        count = f"{cell.successes}/{cell.trials}"
        return f"{count}: {interval_text(cell.interval, digits)}" if cell.interval else count
    mean, low, high = (number(value, digits) for value in (cell.mean, cell.low, cell.high))
    return f"{mean} ({low} to {high})"


def residual_text(row: Row) -> str:
    """Return the residual of ``row``, or why there is none."""
    if row.contender is None:
        return "missing"
    if row.contender.residual is None:
        return "diverged"
    if row.contender.residual.took is False:
        return "did not take"
    return interval_text(row.contender.interval)


def floor_text(floor: float, *, took: bool | None) -> str:
    """Return a noise floor, or why there is none."""
    if math.isfinite(floor):
        return number(floor)
    return "unknown (one seed)" if took is None else "unknown (the attack did not take)"


def settings_text(settings: Mapping[str, Setting]) -> str:
    """Return hyper-parameters as ``name=value``, sorted by name."""
    return ", ".join(f"{key}={_setting(value)}" for key, value in sorted(settings.items())) or ABSENT


def _setting(value: Setting) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def request_text(policy: JsonValue) -> str:
    """Return in words what is asked to be deleted, by the ``forget`` policy of a scenario's configuration."""
    if not isinstance(policy, dict):
        return "the poisons"
    camouflage = policy.get("request") == "camouflage"
    identified, wrong = policy.get("identified", 1.0), policy.get("false_positives", 0.0)
    share = "" if identified == 1 else f"{100 * float(str(identified)):g} % of "
    what = "the camouflage, whose deletion switches the poison on" if camouflage else "the poisons"
    also = "" if wrong == 0 else f", and clean samples, {100 * float(str(wrong)):g} % as many"
    return f"{share}{what}{also}"
