"""Controls: scenarios whose poison is the same but for what is meant to do the harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.entry import Entry
from leaderboard.records import SeedResult
from leaderboard.row import effects
from leaderboard.statistics import Interval, paired_interval


@dataclass(frozen=True, slots=True)
class Control:
    """How a scenario stands beside its control.

    Attributes:
        name: scenario that is the control.
        difference: E(poisoned) - E(poisoned by the control) over the seeds that both have; None where the control was
            not run, or shares fewer than two seeds: then nothing shows that the attack does any harm of its own.
    """

    name: str
    difference: Interval | None

    @property
    def beaten(self) -> bool:
        """Whether the attack is shown to do more than its control."""
        return self.difference is not None and self.difference.low > 0

    @property
    def note(self) -> str:
        """What a reader should know."""
        if self.difference is None:
            return f"the control {self.name} was not run on the same seeds: run it, to show what the attack itself does"
        low, high = self.difference.low, self.difference.high
        told = "the attack does more than" if self.beaten else "the attack does not do more than"
        return f"{told} its control {self.name}: E differs by {self.difference.estimate:.3f} [{low:.3f}, {high:.3f}]"


def find_control(
    reference: Entry, seeds: Sequence[SeedResult], scenarios: Mapping[str, Mapping[str, Entry]]
) -> Control | None:
    """Return the control that the configuration of ``reference`` names, or None where it names none.

    Args:
        reference: any entry of the scenario.
        seeds: its results.
        scenarios: all entries, by scenario and method.
    """
    name = reference.configuration.get("control")
    if not isinstance(name, str):
        return None
    others = {seed.seed: seed for entry in scenarios.get(name, {}).values() for seed in entry.results[-1].seeds}
    shared = [seed for seed in seeds if seed.seed in others]
    if len(shared) < 2:
        return Control(name, None)
    ours = effects(shared, "poisoned")
    theirs = effects([others[seed.seed] for seed in shared], "poisoned")
    return Control(name, paired_interval(np.subtract(ours, theirs)))
