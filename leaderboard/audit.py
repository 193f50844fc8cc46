"""Audits: the statistics behind an effect, read from the scores of the models that a board compares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from leaderboard.audits import AUDITS, Audit, Count, Role, Statistic, Subject
from leaderboard.records import ModelScore, SeedResult
from leaderboard.statistics import Interval, clopper_pearson


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, least and greatest value over seeds."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """Successes among trials, and their rate in [0, 1] with its interval; None without trials or by construction."""

    successes: int
    trials: int
    interval: Interval | None


Cell = Spread | Rate | None


@dataclass(frozen=True, slots=True)
class AuditTable:
    """The numbers of one audit on one board.

    Attributes:
        audit: what they are.
        subjects: the models, those of the methods last.
        statistics: what is said of each; none with a ``*`` but counts.
        lines: one per subject, with a value for each statistic, None where no seed has it.
        null: for each statistic the band under the null, widest over the models, None where there is none.
    """

    audit: Audit
    subjects: tuple[Subject, ...]
    statistics: tuple[Statistic | Count, ...]
    lines: tuple[tuple[Cell, ...], ...]
    null: tuple[tuple[float, float] | None, ...]


def audit_tables(
    effect: str,
    results: Sequence[Sequence[SeedResult]],
    methods: Sequence[tuple[str, Sequence[SeedResult]]] = (),
) -> tuple[AuditTable, ...]:
    """Return the tables of all audits of ``effect`` of which some result holds a number in ``extra``.

    Args:
        effect: name of the effect.
        results: seeds by entry; a table quotes the first of them that holds one of its numbers.
        methods: title and seeds of each method, in the order in which they are printed.
    """
    found = []
    for audit in (audit for audit in AUDITS if audit.effect == effect):
        seeds = next((seeds for seeds in results if any(_numbers(audit, seeds))), None)
        if seeds is not None:
            found.append(_table(audit, seeds, methods if audit.methods else ()))
    return tuple(found)


def _table(
    audit: Audit, seeds: Sequence[SeedResult], methods: Sequence[tuple[str, Sequence[SeedResult]]]
) -> AuditTable:
    prefix = audit.subjects[0].prefix
    models = [(subject, seeds) for subject in audit.subjects]
    models += [(Subject(title, "unlearned", prefix), own) for title, own in methods]
    statistics = tuple(one for statistic in audit.statistics for one in _expanded(statistic, prefix, seeds))
    return AuditTable(
        audit=audit,
        subjects=tuple(subject for subject, _ in models),
        statistics=statistics,
        lines=tuple(tuple(_cell(subject, statistic, own) for statistic in statistics) for subject, own in models),
        null=tuple(_band(audit.subjects[0], statistic, seeds) for statistic in statistics),
    )


def _numbers(audit: Audit, seeds: Sequence[SeedResult]) -> Iterator[bool]:
    """Yield for each seed, model and statistic whether ``extra`` holds a number."""
    keys = [statistic.key for statistic in audit.statistics if statistic.key is not None]
    for seed in seeds:
        for subject in audit.subjects:
            yield from (bool(_matching(_score(seed, subject.role), subject.prefix + key)) for key in keys)


def _expanded(statistic: Statistic | Count, prefix: str, seeds: Sequence[SeedResult]) -> Sequence[Statistic | Count]:
    if isinstance(statistic, Count) or statistic.key is None or "*" not in statistic.key:
        return [statistic]
    names = {name for seed in seeds for name in _matching(seed.poisoned, prefix + statistic.key)}
    titles = {name: statistic.title.format(name.rpartition("/")[2].replace("_", " ")) for name in names}
    return [replace(statistic, key=name.removeprefix(prefix), title=titles[name]) for name in sorted(names)]


def _cell(subject: Subject, statistic: Statistic | Count, seeds: Sequence[SeedResult]) -> Cell:
    if isinstance(statistic, Count):
        return _rate(subject, statistic, seeds)
    return _spread(seeds, subject.role, None if statistic.key is None else subject.prefix + statistic.key)


def _rate(subject: Subject, count: Count, seeds: Sequence[SeedResult]) -> Rate | None:
    pairs: list[tuple[bool, bool]] = []
    for seed in seeds:
        before = _matching(seed.poisoned, subject.prefix + count.key)
        trials = _matching(_score(seed, subject.role), subject.prefix + count.key)
        pairs += [(before.get(name, 0.0) > 0, value > 0) for name, value in trials.items()]
    if not pairs:
        return None
    outcomes = [after for before, after in pairs if before or not count.given]
    certain = count.given and subject.role == "poisoned"
    interval = clopper_pearson(sum(outcomes), len(outcomes)) if outcomes and not certain else None
    return Rate(sum(outcomes), len(outcomes), interval)


def _band(first: Subject, statistic: Statistic | Count, seeds: Sequence[SeedResult]) -> tuple[float, float] | None:
    if isinstance(statistic, Count) or statistic.null is None:
        return None
    low, high = (_spread(seeds, first.role, first.prefix + key) for key in statistic.null)
    return (low.low, high.high) if low and high else None


def _spread(seeds: Sequence[SeedResult], role: Role, key: str | None) -> Spread | None:
    scores = [_score(seed, role) for seed in seeds]
    found = [score.effect if key is None else score.extra.get(key) for score in scores]
    values = [value for value in found if value is not None]
    return Spread(float(np.mean(values)), min(values), max(values)) if values else None


def _score(seed: SeedResult, role: Role) -> ModelScore:
    score: ModelScore = getattr(seed, role)
    return score


def _matching(score: ModelScore, pattern: str) -> dict[str, float]:
    return {name: value for name, value in score.extra.items() if value is not None and fnmatchcase(name, pattern)}
