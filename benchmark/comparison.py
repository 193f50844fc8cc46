"""Compares an entry with a second run of the same experiment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from leaderboard import Cost, Entry, ModelScore, Provenance, SeedResult
from leaderboard.text import budget_text

SAME_MACHINE = 1e-6
"""Share of E(poisoned) - E(retrain), and accuracy, by which two runs on one kind of device may differ: bits agree."""

OTHER_EFFECT, OTHER_ACCURACY = 0.1, 0.01
"""The same where device or version of torch differ. A convention: other rounding leads training elsewhere."""

ROLES = ("unlearned", "poisoned", "retrain", "second_retrain")


@dataclass(frozen=True)
class Compared:
    """One value of an entry, and of the second run.

    Attributes:
        where: seed and budget, in words.
        what: whose value and which.
        recorded: in the entry; None where the model diverged.
        again: in the second run.
        allowed: by how much they may differ.
    """

    where: str
    what: str
    recorded: float | None
    again: float | None
    allowed: float

    @property
    def share(self) -> float | None:
        """Their difference as a share of what is allowed; None where one of them is missing."""
        if self.recorded is None or self.again is None:
            return 0.0 if self.recorded is self.again else None
        return abs(self.recorded - self.again) / self.allowed

    @property
    def agrees(self) -> bool:
        """Whether they differ by no more than is allowed; two missing values agree."""
        return self.share is not None and self.share <= 1

    def __str__(self) -> str:
        one, other = value_text(self.recorded), value_text(self.again)
        return f"{self.where}, {self.what}: {one} in the entry, {other} now (may differ by {self.allowed:.2g})"


@dataclass(frozen=True)
class Tolerance:
    """How much may differ.

    Attributes:
        effect: share of E(poisoned) - E(retrain).
        accuracy: in [0, 1].
        same: whether device, torch and precision are those of the entry; only then the details are compared, too.
    """

    effect: float
    accuracy: float
    same: bool


def tolerance_for(one: Provenance, other: Provenance) -> Tolerance:
    """Return what may differ between two runs, by where they were made."""
    machines = [(where.device, where.precision, where.packages.get("torch")) for where in (one, other)]
    if machines[0] == machines[1]:
        return Tolerance(SAME_MACHINE, SAME_MACHINE, same=True)
    return Tolerance(OTHER_EFFECT, OTHER_ACCURACY, same=False)


def compare(entry: Entry, again: Entry, tolerance: Tolerance) -> list[Compared]:
    """Return every value of ``entry`` beside that of the second run; what that run lacks counts as missing.

    The scale of effects is the mean over seeds of abs(E(poisoned) - E(retrain)) in the second run, so that no claimed
    number widens its own tolerance.
    """
    return list(_compared(entry, again, tolerance))


def _compared(entry: Entry, again: Entry, tolerance: Tolerance) -> Iterator[Compared]:
    for result in entry.results:
        others = {seed.seed: seed for one in again.results if one.budget == result.budget for seed in one.seeds}
        scale = _scale(list(others.values()))
        for seed in result.seeds:
            where = f"seed {seed.seed} at {budget_text(result.budget)}"
            other = others.get(seed.seed)
            if other is None:
                continue
            for role in ROLES:
                pair: tuple[ModelScore, ModelScore] = getattr(seed, role), getattr(other, role)
                yield from _scores(where, role, *pair, scale, tolerance)
            yield from _costs(where, seed.cost, other.cost, tolerance)


def _scores(
    where: str, role: str, one: ModelScore, other: ModelScore, scale: float, tolerance: Tolerance
) -> Iterator[Compared]:
    yield Compared(where, f"{role} effect", one.effect, other.effect, tolerance.effect * scale)
    yield Compared(where, f"{role} accuracy", one.accuracy, other.accuracy, tolerance.accuracy)
    if tolerance.same:
        for name in sorted({*one.extra, *other.extra}):
            allowed = tolerance.effect * max(1.0, abs(other.extra.get(name) or 0.0))
            yield Compared(where, f"{role} {name}", one.extra.get(name), other.extra.get(name), allowed)


def _costs(where: str, one: Cost, other: Cost, tolerance: Tolerance) -> Iterator[Compared]:
    for name in ("forward_passes", "backward_passes", "training_passes"):
        recorded, again = float(getattr(one, name)), float(getattr(other, name))
        yield Compared(where, name, recorded, again, tolerance.effect * max(1.0, again))


def _scale(seeds: list[SeedResult]) -> float:
    """Return the effect's scale, above 0 even where the attack did nothing."""
    gaps = [abs((seed.poisoned.effect or 0.0) - (seed.retrain.effect or 0.0)) for seed in seeds]
    return max(float(np.mean(gaps)), 1e-9) if gaps else 1e-9


def show(values: Sequence[Compared], console: Console) -> None:
    """Print a line for each seed and budget: the unlearned model, and how far its values and all others agree."""
    table = Table(box=None, pad_edge=False)
    for title in ("seed, budget", "effect", "second run", "accuracy", "second run", "values", "greatest difference"):
        table.add_column(title, justify="left" if title == "seed, budget" else "right")
    groups: dict[str, list[Compared]] = {}
    for value in values:
        groups.setdefault(value.where, []).append(value)
    for where, group in groups.items():
        by_name = {value.what: value for value in group}
        effect, accuracy = by_name["unlearned effect"], by_name["unlearned accuracy"]
        shown = [value_text(number) for value in (effect, accuracy) for number in (value.recorded, value.again)]
        shares = [value.share for value in group if value.share is not None]
        greatest = f"{max(shares):.2g} of allowed" if len(shares) == len(group) else "one is missing"
        table.add_row(where, *shown, str(len(group)), greatest)
    console.print(table)


def value_text(value: float | None) -> str:
    """Return a value with all the digits that a reader compares."""
    return "none" if value is None else f"{value:.6g}"
