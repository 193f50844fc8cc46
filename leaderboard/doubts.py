"""Doubts: why the numbers of an entry may not be what they say."""

from collections.abc import Iterator, Sequence

from leaderboard.entry import Entry, SeedResult

QUOTED = 2
"""Differences that are quoted of those that verification found."""


def doubts(entry: Entry, seeds: Sequence[SeedResult]) -> Iterator[str]:
    """Yield one clause for each reason not to rely on ``entry``; at least one if its status is ``unreliable``.

    Args:
        entry: of any method.
        seeds: its results at the budget that is looked at.
    """
    told = False
    for text in (_verification(entry), _time(seeds)):
        if text:
            told = True
            yield text
    if entry.status == "unreliable" and not told:
        elsewhere = [result.budget for result in entry.results if _time(result.seeds)]
        where = f"at budget {', '.join(f'{100 * budget:g} %' for budget in elsewhere)}"
        yield f"its time is not explained {where}" if elsewhere else "its entry does not say why"


def _verification(entry: Entry) -> str:
    found = entry.verification
    if found is None or not found.differences:
        return ""
    more = f" (and {len(found.differences) - QUOTED} more)" if len(found.differences) > QUOTED else ""
    return (
        f"a second run differs in {len(found.differences)} of {found.compared} values, "
        f"by up to {found.largest:.3g} times what is allowed: {'; '.join(found.differences[:QUOTED])}{more}"
    )


def _time(seeds: Sequence[SeedResult]) -> str:
    spent = [seed for seed in seeds if not seed.cost.explained]
    if not spent:
        return ""
    worst = max(spent, key=lambda seed: _seconds(seed) - (seed.cost.allowed_s or 0.0))
    names = ", ".join(str(seed.seed) for seed in spent)
    allowed = worst.cost.allowed_s
    took = f"; seed {worst.seed} took {_seconds(worst):.0f} s"
    example = "" if allowed is None else f"{took}, and {allowed:.0f} s are explained"
    return f"took more time than its ledger explains (seeds {names}{example})"


def _seconds(seed: SeedResult) -> float:
    return max(seed.cost.wall_clock_s, seed.cost.cpu_s or 0.0)
