"""Audits: the statistics behind an effect, read from the ``extra`` of the models that bound a method.

What is known of each effect stands in :data:`AUDITS` and nowhere else. An effect whose scores carry further statistics
gets its table by one more item there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from leaderboard.records import SeedResult

Role = Literal["poisoned", "retrain", "second_retrain"]


@dataclass(frozen=True, slots=True)
class Statistic:
    """One column of an audit.

    Attributes:
        key: name in ``extra``, after the prefix.
        title: what to print.
        digits: decimals.
        null: names of the ends of the band in which 95 % of models lie that never saw the poison, or None.
    """

    key: str
    title: str
    digits: int
    null: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """One line of an audit: which model, measured how.

    Attributes:
        title: what to print.
        role: the model.
        prefix: what its keys in ``extra`` start with.
    """

    title: str
    role: Role
    prefix: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of the statistics of one effect.

    Attributes:
        title: what is measured, and what it is under the null.
        subjects: its lines. The first one's prefix is where the bands of the null are.
        statistics: its columns.
    """

    title: str
    subjects: tuple[Subject, ...]
    statistics: tuple[Statistic, ...]


AUDITS = (
    Audit(
        title="Gaussian audit (I: correlation of a poison's noise with the loss gradient; N(0, 1) for unseen noise)",
        subjects=(
            Subject("poisoned", "poisoned", "gaussian/"),
            Subject("retrain", "retrain", "gaussian/"),
            Subject("second retrain", "second_retrain", "gaussian/"),
            Subject("poisoned, fresh noise", "poisoned", "gaussian_fresh/"),
        ),
        statistics=(
            Statistic("mean", "mean I", 2),
            Statistic("z", "z = sqrt(p) mean I", 1),
            Statistic("tpr_at_fpr_.01", "TPR at FPR 0.01", 3, ("tpr_null_low", "tpr_null_high")),
            Statistic("auc", "AUC", 2),
        ),
    ),
)
"""All audits, in the order in which a board prints them."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, least and greatest value over seeds."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AuditTable:
    """The numbers of one audit on one board.

    Attributes:
        audit: what they are.
        lines: one per subject, with a value for each statistic, None where no seed has it.
        null: for each statistic the band under the null, widest over the models, None where there is none.
    """

    audit: Audit
    lines: tuple[tuple[Spread | None, ...], ...]
    null: tuple[tuple[float, float] | None, ...]


def audit_tables(results: Sequence[Sequence[SeedResult]]) -> tuple[AuditTable, ...]:
    """Return the tables of all audits of which some result holds a number.

    Args:
        results: seeds by entry; a table quotes the first of them that holds one of its numbers.
    """
    tables = (next(filter(_holds_numbers, (_table(audit, seeds) for seeds in results)), None) for audit in AUDITS)
    return tuple(table for table in tables if table)


def _table(audit: Audit, seeds: Sequence[SeedResult]) -> AuditTable:
    lines = tuple(
        tuple(_spread(seeds, subject.role, subject.prefix + statistic.key) for statistic in audit.statistics)
        for subject in audit.subjects
    )
    return AuditTable(audit, lines, tuple(_band(audit, statistic, seeds) for statistic in audit.statistics))


def _holds_numbers(table: AuditTable) -> bool:
    return any(spread for line in table.lines for spread in line)


def _band(audit: Audit, statistic: Statistic, seeds: Sequence[SeedResult]) -> tuple[float, float] | None:
    if statistic.null is None:
        return None
    first = audit.subjects[0]
    low, high = (_spread(seeds, first.role, first.prefix + key) for key in statistic.null)
    return (low.low, high.high) if low and high else None


def _spread(seeds: Sequence[SeedResult], role: Role, key: str) -> Spread | None:
    extras: list[Mapping[str, float | None]] = [getattr(seed, role).extra for seed in seeds]
    values = [value for extra in extras if (value := extra.get(key)) is not None]
    return Spread(float(np.mean(values)), min(values), max(values)) if values else None
