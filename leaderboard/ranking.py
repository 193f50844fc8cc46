"""Ranks within one scenario and budget that show what the seeds can tell apart."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from leaderboard.contender import (
    Contender,
    all_keep_accuracy,
    any_diverged,
    any_exceeds_budget,
    any_loses_accuracy,
)
from leaderboard.statistics import LEVEL, paired_interval

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """Best and worst rank that the data allow; they are equal where nothing ties."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def rank_methods(contenders: Sequence[Contender], level: float = LEVEL) -> dict[str, Rank]:
    """Rank methods within one scenario and budget by their distance from retraining.

    A rank is a range: from 1 + the number of methods that are better to the number of methods that are not
    worse. Hence ties need not be transitive. ``a`` is better than ``b`` if the first of these that tells
    them apart says so:

    - it converged and ``b`` diverged;
    - it stayed inside the budget and ``b`` did not;
    - it keeps its mean accuracy within 1 point of retraining and ``b`` is significantly below that, because
      a destroyed network shows no poison either;
    - its effect is nearer to the retrain baseline's over the seeds that both have: the paired difference of
      E(unlearned) has a t interval that excludes 0. Where the two lie on different sides of retraining, one
      of them is mirrored first, so that overshooting is no better than falling short.

    Two methods that are equal are told apart in at most 1 - ``level`` of boards. That holds for each pair,
    not for all pairs at once.

    Args:
        contenders: with different names, of one scenario in which the attack took.
        level: confidence, in (0, 1).

    Raises:
        ValueError: if a name occurs twice.
    """
    twice = [name for name, count in Counter(one.name for one in contenders).items() if count > 1]
    if twice:
        raise ValueError(f"contenders must have different names, got {twice[0]!r} twice")
    return ranks_from({one.name: one for one in contenders}, lambda a, b: _outranks(a, b, level))


def ranks_from(contenders: Mapping[str, T], better: Callable[[T, T], bool]) -> dict[str, Rank]:
    """Turn a relation "is better than", which need not be transitive, into ranges of ranks."""
    ranks = {}
    for name, one in contenders.items():
        others = [other for key, other in contenders.items() if key != name]
        above = sum(better(other, one) for other in others)
        below = sum(better(one, other) for other in others)
        ranks[name] = Rank(1 + above, len(others) + 1 - below)
    return ranks


def conduct_decides(a: Sequence[Contender], b: Sequence[Contender]) -> bool | None:
    """Compare by all but the effect: whether ``a`` is better, or None if that does not tell them apart."""
    if any_diverged(a) or any_diverged(b):
        return not any_diverged(a)  # two that diverged tie: neither is better
    if any_exceeds_budget(a) != any_exceeds_budget(b):
        return any_exceeds_budget(b)
    if all_keep_accuracy(a) and any_loses_accuracy(b):
        return True
    if all_keep_accuracy(b) and any_loses_accuracy(a):
        return False
    return None


def nearer(a: Contender, b: Contender, level: float) -> bool:
    """Whether the effect of ``a`` is significantly nearer to retraining's, over the seeds that both have."""
    excess_a, excess_b = a.excess or {}, b.excess or {}
    common = sorted(excess_a.keys() & excess_b.keys())
    if not common:
        return False
    mirrored_a, mirrored_b = (_mirrored([excess[seed] for seed in common]) for excess in (excess_a, excess_b))
    difference = [x - y for x, y in zip(mirrored_a, mirrored_b, strict=True)]
    return paired_interval(difference, level).high < 0


def _outranks(a: Contender, b: Contender, level: float) -> bool:
    decided = conduct_decides([a], [b])
    return nearer(a, b, level) if decided is None else decided


def _mirrored(values: Sequence[float]) -> list[float]:
    return [-value for value in values] if sum(values) < 0 else list(values)
