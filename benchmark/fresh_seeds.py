"""Draws the seeds on which an entry is judged when it is verified."""

import secrets
from collections.abc import Sequence

from benchmark.fresh import LEAST
from benchmark.tuning import TUNING_SEEDS
from leaderboard import Entry
from leaderboard.text import budget_text

SEED_BITS = 53
"""Bits of a fresh seed: every reader of JSON, JavaScript among them, keeps so many."""


def fresh_seeds(entry: Entry, usual: Sequence[int], count: int | None) -> tuple[int, ...]:
    """Return seeds from the operating system's randomness that neither entry nor scenario nor tuning has used.

    Args:
        entry: whose method is to be judged.
        usual: the seeds of its scenario.
        count: how many, at least 2, or None for none.

    Returns:
        different ones in [0, 2**53), ascending.

    Raises:
        ValueError: if ``count`` is below 2, the entry has fewer than 2 seeds at a budget, or ``count`` is None and
            earlier fresh seeds spoke against the entry: a run without does not take that back.
    """
    earlier = entry.verification
    if count is None:
        if earlier is not None and earlier.fresh_seeds and earlier.differences:
            raise ValueError(
                f"{entry.method.name} in {entry.scenario} did not agree when run on fresh seeds, and a run without "
                f"them does not take that back; say --fresh {len(earlier.fresh_seeds)}"
            )
        return ()
    if count < LEAST:
        raise ValueError(f"--fresh must be at least {LEAST}, got {count}")
    short = [result for result in entry.results if len(result.seeds) < LEAST]
    if short:
        raise ValueError(f"--fresh needs {LEAST} seeds in the entry, it has 1 at {budget_text(short[0].budget)}")
    taken = {*usual, *TUNING_SEEDS, *(seed.seed for result in entry.results for seed in result.seeds)}
    taken |= set(entry.tuning.seeds if entry.tuning else ())
    taken |= set(earlier.fresh_seeds if earlier else ())
    found: set[int] = set()
    while len(found) < count:
        found |= {secrets.randbits(SEED_BITS)} - taken
    return tuple(sorted(found))
