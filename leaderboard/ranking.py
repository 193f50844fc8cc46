"""Ranks within one scenario and budget that show what the seeds can tell apart."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeVar

from leaderboard.contender import Contender, nearer, survives
from leaderboard.statistics import LEVEL

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
    - it keeps its mean accuracy within 1 point of retraining, ``b`` is significantly below that and more than 1
      point below ``a``: a destroyed network shows no poison either;
    - its effect is significantly nearer to the retrain baseline's (:func:`leaderboard.contender.nearer`).

    Two methods that are equal are told apart in 1 - ``level`` of boards or fewer. That holds for each pair, not
    for all pairs at once.

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
    wins = [(a, b) for a, b in permutations(contenders, 2) if better(contenders[a], contenders[b])]
    above, below = Counter(b for _, b in wins), Counter(a for a, _ in wins)
    return {name: Rank(1 + above[name], len(contenders) - below[name]) for name in contenders}


def conduct_decides(a: Mapping[str, Contender], b: Mapping[str, Contender], level: float = LEVEL) -> bool | None:
    """Compare by everything but the effect: whether ``a`` is better, or None if that does not tell them apart.

    Args:
        a: one method by scenario.
        b: another.
        level: confidence, in (0, 1).
    """
    if _diverged(a) or _diverged(b):
        return not _diverged(a)  # two that diverged tie: neither is better
    if _exceeds_budget(a) != _exceeds_budget(b):
        return _exceeds_budget(b)
    if _survives(a, b, level) or _survives(b, a, level):
        return _survives(a, b, level)
    return None


def _outranks(a: Contender, b: Contender, level: float) -> bool:
    decided = conduct_decides({"": a}, {"": b}, level)
    return nearer(a, b, level) if decided is None else decided


def _diverged(campaign: Mapping[str, Contender]) -> bool:
    return any(one.diverged for one in campaign.values())


def _exceeds_budget(campaign: Mapping[str, Contender]) -> bool:
    return any(one.exceeds_budget for one in campaign.values())


def _survives(a: Mapping[str, Contender], b: Mapping[str, Contender], level: float) -> bool:
    everywhere = all(one.keeps_accuracy for one in a.values())
    return everywhere and any(survives(one, b[key], level) for key, one in a.items() if key in b)
