"""What a reader should know before comparing the rows of a board."""

import math
from collections.abc import Iterator, Sequence

from leaderboard.doubts import doubts
from leaderboard.entry import Entry, SeedResult
from leaderboard.row import Row

SHARED = ("suite", "modality", "attack", "corpus", "network", "effect", "configuration")
"""Fields in which all entries of a scenario must agree, because a scenario is frozen."""


def take_notes(
    reference: Entry,
    seeds: Sequence[SeedResult],
    results: Sequence[tuple[Entry, Sequence[SeedResult]]],
    anchors: Sequence[Row],
) -> Iterator[str]:
    """Yield one sentence for each thing that makes rows hard to compare, always in the same order.

    Args:
        reference: entry whose baselines the board quotes.
        seeds: its results.
        results: all entries of the board with their results.
        anchors: rows of the anchors.
    """
    quoted, total = {seed.seed: seed for seed in seeds}, len(results)
    for field in SHARED:
        names = [one.method.name for one, _ in results if getattr(one, field) != getattr(reference, field)]
        yield from _note(names, f"entries whose {field} differs from that of {reference.method.name}", total)
    names = [one.method.name for one, own in results if not _same_baselines(own, quoted)]
    yield from _note(names, f"entries whose baselines differ from those of {reference.method.name}", total)
    names = [one.method.name for one, own in results if [seed.seed for seed in own] != list(quoted)]
    yield from _note(names, "entries with other seeds (ranks use the seeds that two entries share)", total)
    names = [one.method.name for one, _ in results if one.provenance.dirty]
    yield from _note(names, "entries made with uncommitted changes", total)
    names = [one.method.name for one, _ in results if one.protection.kind == "process"]
    yield from _note(names, "methods that ran without walls (they could have read what scores them)", total)
    for one, own in sorted(results, key=lambda result: result[0].method.name):
        about = f"{one.method.name} is unreliable and not ranked" if one.status == "unreliable" else one.method.name
        reasons = list(doubts(one, own))
        if reasons:
            yield f"{about}: {'; '.join(reasons)}"
    for row in anchors:
        interval = row.contender.interval if row.contender else None
        expected = {"no_unlearning": 1.0, "retrain": 0.0}.get(row.name)
        if interval and expected is not None and not math.isclose(interval.estimate, expected, abs_tol=1e-6):
            yield f"{row.name} must have residual {expected:g} and has {interval.estimate:.3g}"
        if row.name == "sham" and row.verdict == "removed":
            yield "the sham is called removed: this poison does not even survive noise"


def _note(names: Sequence[str], what: str, total: int) -> Iterator[str]:
    if names:
        yield f"{what}: {f'all {total}' if len(names) == total > 1 else ', '.join(sorted(names))}"


def _same_baselines(seeds: Sequence[SeedResult], quoted: dict[int, SeedResult]) -> bool:
    pairs = [(seed, quoted[seed.seed]) for seed in seeds if seed.seed in quoted]
    return all(
        math.isclose(_effect(own, role), _effect(other, role), rel_tol=1e-6, abs_tol=1e-9)
        for own, other in pairs
        for role in ("poisoned", "retrain", "second_retrain")
    )


def _effect(seed: SeedResult, role: str) -> float:
    return float(getattr(seed, role).effect)
