"""Ranks over several scenarios: each method by its worst one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.contender import Contender, nearer
from leaderboard.ranking import Rank, outranks, ranks_from
from leaderboard.statistics import LEVEL, Interval


@dataclass(frozen=True, slots=True)
class OverallRank:
    """A method's place over several scenarios.

    Attributes:
        rank: its rank or ranks.
        worst: the scenario in which it ends farthest from retraining; None if it diverged or is missing
            somewhere.
        residual: its residual there.
        missing: scenarios in which it has no entry.
        diverged: scenarios in which it diverged.
    """

    rank: Rank
    worst: str | None
    residual: Interval | None
    missing: tuple[str, ...]
    diverged: tuple[str, ...]


def rank_overall(boards: Mapping[str, Sequence[Contender]], level: float = LEVEL) -> dict[str, OverallRank]:
    """Rank methods over scenarios, each by its *worst* one, so that no failure hides in a mean.

    Two methods with the same worst scenario are compared there, seed by seed. Otherwise they are told apart
    only where their intervals are disjoint: the interval of a greatest distance runs from the greatest lower
    end to the greatest upper end. A method without an entry for some scenario comes after all that were
    tried everywhere, and one that diverged anywhere comes last. Accuracy and budget count as in
    :func:`leaderboard.ranking.rank_methods`: what is lost or exceeded in any scenario is lost or exceeded.

    Args:
        boards: contenders by scenario; only scenarios in which the attack took.
        level: confidence, in (0, 1).
    """
    names = sorted({one.name for board in boards.values() for one in board})
    campaigns = {
        name: {scenario: one for scenario, board in boards.items() for one in board if one.name == name}
        for name in names
    }
    ranks = ranks_from(campaigns, lambda a, b: _outranks(a, b, len(boards), level))
    return {name: _describe(campaigns[name], list(boards), ranks[name]) for name in names}


def _outranks(a: Mapping[str, Contender], b: Mapping[str, Contender], scenarios: int, level: float) -> bool:
    converged = not any(one.diverged for one in (*a.values(), *b.values()))
    if converged and min(len(a), len(b)) < scenarios:
        return len(a) == scenarios  # two that miss some tie: neither is better
    return outranks(a, b, lambda level: _closer(a, b, level), level)


def _closer(a: Mapping[str, Contender], b: Mapping[str, Contender], level: float) -> bool:
    worst = _worst(a)
    if worst == _worst(b):
        return nearer(a[worst], b[worst], level)
    return max(one.bounds[1] for one in a.values()) < max(one.bounds[0] for one in b.values())


def _worst(campaign: Mapping[str, Contender]) -> str:
    return max(sorted(campaign), key=lambda scenario: campaign[scenario].distance)


def _describe(campaign: Mapping[str, Contender], scenarios: Sequence[str], rank: Rank) -> OverallRank:
    missing = tuple(scenario for scenario in scenarios if scenario not in campaign)
    diverged = tuple(scenario for scenario, one in campaign.items() if one.diverged)
    if missing or diverged:
        return OverallRank(rank, None, None, missing, diverged)
    worst = _worst(campaign)
    return OverallRank(rank, worst, campaign[worst].interval, (), ())
