"""Ranks within one scenario and budget that show what the seeds can tell apart."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeVar

from leaderboard.contender import Contender, more_accurate, nearer
from leaderboard.statistics import LEVEL
from leaderboard.verdict import ACCURACY_TOLERANCE

T = TypeVar("T")

ACCURACY_SHARE = 0.2
"""Share of the error that the test of accuracy may make; the test of the effect may make the rest."""


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
    - it did not lose its accuracy, ``b`` did (:func:`leaderboard.verdict.loses_accuracy`), and it is significantly
      more accurate than ``b``;
    - its effect is significantly nearer to the retrain baseline's (:func:`leaderboard.contender.nearer`), and
      accuracy does not speak against it: no method that lost its accuracy gets ahead of one that did not, and, unless
      both lost it, none whose mean accuracy falls more than 1 point farther below the tolerance. A destroyed network
      shows no poison either.

    A method on the edge of the tolerance is "lost" in one board and not in the next. Nothing is decided by that
    alone: it takes a significant difference between the two methods, and a tie is the worst that it can cause.

    Two methods that are equal are told apart in 1 - ``level`` of boards or fewer. That holds for each pair, not
    for all pairs at once. Two tests share that error, a fifth of it for accuracy and the rest for the effect, so it
    holds by the union bound wherever the accuracy lies. In simulations of 3, 5 and 8 seeds at level 0.95, with gaps
    at, above and below the edge, at most 4.4 % of equal pairs were told apart; if each test had the whole 5 %, it
    would be up to 8.0 %.

    No cycles arise among methods with the same seeds: accuracy leads from methods that did not lose it to those that
    did, never back, and within either group a nearer effect has the nearer mean.

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


def outranks(
    a: Mapping[str, Contender], b: Mapping[str, Contender], closer: Callable[[float], bool], level: float = LEVEL
) -> bool:
    """Whether ``a`` is better than ``b`` by what :func:`rank_methods` lists, over one scenario or several.

    Over several, a method diverges, exceeds its budget or loses its accuracy if it does so in any of them, and is
    more accurate if it is so in one where the other lost its accuracy.

    Args:
        a: one method by scenario.
        b: another.
        closer: whether the effect of ``a`` is significantly nearer to retraining's, at a given level; only called if
            nothing before it decides.
        level: confidence, in (0, 1).
    """
    if _diverged(a) or _diverged(b):
        return not _diverged(a)  # two that diverged tie: neither is better
    if _exceeds_budget(a) != _exceeds_budget(b):
        return _exceeds_budget(b)
    lost_a, lost_b = _loses_accuracy(a), _loses_accuracy(b)
    error = 1 - level
    if lost_b and not lost_a and _more_accurate(a, b, 1 - ACCURACY_SHARE * error):
        return True
    return _may_lead(a, b, lost_a=lost_a, lost_b=lost_b) and closer(1 - (1 - ACCURACY_SHARE) * error)


def _outranks(a: Contender, b: Contender, level: float) -> bool:
    return outranks({"": a}, {"": b}, lambda level: nearer(a, b, level), level)


def _diverged(campaign: Mapping[str, Contender]) -> bool:
    return any(one.diverged for one in campaign.values())


def _exceeds_budget(campaign: Mapping[str, Contender]) -> bool:
    return any(one.exceeds_budget for one in campaign.values())


def _loses_accuracy(campaign: Mapping[str, Contender]) -> bool:
    return any(one.loses_accuracy for one in campaign.values())


def _may_lead(a: Mapping[str, Contender], b: Mapping[str, Contender], *, lost_a: bool, lost_b: bool) -> bool:
    if lost_a:
        return lost_b
    return _shortfall(a) <= _shortfall(b) + ACCURACY_TOLERANCE


def _shortfall(campaign: Mapping[str, Contender]) -> float:
    return max(one.shortfall for one in campaign.values())


def _more_accurate(a: Mapping[str, Contender], b: Mapping[str, Contender], level: float) -> bool:
    return any(more_accurate(one, b[key], level) for key, one in a.items() if key in b and b[key].loses_accuracy)
