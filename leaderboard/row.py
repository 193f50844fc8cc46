"""One line of a table: a method, or an anchor, in one scenario at one budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from leaderboard.contender import Contender
from leaderboard.doubts import doubts
from leaderboard.entry import Entry, SeedResult, Tuning
from leaderboard.ranking import Rank
from leaderboard.statistics import Residual, accuracy_gap, residual
from leaderboard.verdict import judge, over_budget

Setting = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """What a table shows of one method.

    Attributes:
        scenario: name of the scenario.
        budget: fraction of the training passes, in (0, 1].
        name: identifier of the method.
        title: what to print.
        kind: unlearners are ranked, anchors are not.
        status: of the entry; ``baseline`` for an anchor that was read off the baselines of other entries,
            ``missing`` for one that nobody ran.
        rank: None where nothing is ranked: anchors, unreliable entries, scenarios where the attack did not take
            or one seed cannot say.
        contender: residual, accuracy gap and excess per seed; None if missing.
        verdict: see :func:`leaderboard.verdict.judge`; ``by construction`` for the anchors that define 0 and
            1.
        effect: mean over seeds, None if some seed diverged.
        accuracy: mean over seeds in [0, 1], None if some seed diverged.
        cost: mean fraction of the training passes, None if unknown.
        seeds: number of seeds.
        hyperparameters: settings of the method.
        tuning: how they were chosen; None for defaults and for settings given by hand.
        doubts: reasons not to rely on the row; at least one where ``status`` is ``unreliable``.
    """

    scenario: str
    budget: float
    name: str
    title: str
    kind: Literal["unlearner", "anchor"]
    status: str
    rank: Rank | None
    contender: Contender | None
    verdict: str
    effect: float | None
    accuracy: float | None
    cost: float | None
    seeds: int
    hyperparameters: Mapping[str, Setting]
    tuning: Tuning | None = None
    doubts: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The method of which this one is a variant with other settings, else its own name."""
        return family(self.name)


def family(name: str) -> str:
    """Return the name of a method without what names a variant: ``scrub`` for ``scrub.alpha-0.2``."""
    return name.partition(".")[0]


def entry_row(entry: Entry, budget: float, seeds: Sequence[SeedResult], floor: float) -> Row:
    """Return the row of ``entry``, not ranked yet.

    Args:
        entry: of any method.
        budget: one of its budgets.
        seeds: its results at that budget, at least one.
        floor: noise floor of the scenario.
    """
    contender = _contender(entry.method.name, budget, seeds)
    return Row(
        scenario=entry.scenario,
        budget=budget,
        name=entry.method.name,
        title=entry.method.title,
        kind=entry.method.kind,
        status=entry.status,
        rank=None,
        contender=contender,
        verdict=judge(
            contender.residual,
            floor,
            contender.gap,
            lost=contender.loses_accuracy,
            exceeds_budget=contender.exceeds_budget,
        ),
        effect=_mean([seed.unlearned.effect for seed in seeds]),
        accuracy=_mean([seed.unlearned.accuracy for seed in seeds]),
        cost=_mean([seed.cost.fraction for seed in seeds]),
        seeds=len(seeds),
        hyperparameters=entry.hyperparameters,
        tuning=entry.tuning,
        doubts=tuple(doubts(entry, seeds)),
    )


def baseline_row(scenario: str, name: str, budget: float, seeds: Sequence[SeedResult]) -> Row:
    """Return the row of an anchor that needs no entry: its model is one of the baselines of every entry.

    Args:
        scenario: name of the scenario.
        name: ``no_unlearning`` (the poisoned model) or ``retrain`` (the retrain baseline).
        budget: fraction of the training passes.
        seeds: results of any method, at least one.
    """
    role = "poisoned" if name == "no_unlearning" else "retrain"
    seeds = [seed.model_copy(update={"unlearned": getattr(seed, role)}) for seed in seeds]
    return Row(
        scenario=scenario,
        budget=budget,
        name=name,
        title=name,
        kind="anchor",
        status="baseline",
        rank=None,
        contender=_contender(name, budget, seeds),
        verdict="by construction",
        effect=_mean([seed.unlearned.effect for seed in seeds]),
        accuracy=_mean([seed.unlearned.accuracy for seed in seeds]),
        cost=0.0 if name == "no_unlearning" else None,
        seeds=len(seeds),
        hyperparameters={},
    )


def not_taken(row: Row) -> Row:
    """Return the row as it reads where the attack did nothing that its control does not do, too."""
    if row.contender is None or row.contender.residual is None:
        return row
    contender = replace(row.contender, residual=Residual(None, took=False))
    return replace(row, contender=contender, verdict="did not take")


def missing_row(scenario: str, name: str, budget: float) -> Row:
    """Return the row that says that nobody ran the anchor ``name``."""
    return Row(scenario, budget, name, name, "anchor", "missing", None, None, "missing", None, None, None, 0, {})


def effects(seeds: Sequence[SeedResult], role: Literal["poisoned", "retrain", "second_retrain"]) -> list[float]:
    """Return the effect of one baseline by seed; an entry guarantees that there is one."""
    values = [getattr(seed, role).effect for seed in seeds]
    return [float(value) for value in values]


def _contender(name: str, budget: float, seeds: Sequence[SeedResult]) -> Contender:
    exceeds = any(over_budget(seed.cost.fraction, budget) for seed in seeds)
    unlearned = [seed.unlearned.effect for seed in seeds if seed.unlearned.effect is not None]
    accuracy = [seed.unlearned.accuracy for seed in seeds if seed.unlearned.accuracy is not None]
    if len(unlearned) < len(seeds) or len(accuracy) < len(seeds):
        return Contender(name, None, None, None, None, exceeds)
    retrain = effects(seeds, "retrain")
    baseline = [float(seed.retrain.accuracy or 0) for seed in seeds]
    names = [seed.seed for seed in seeds]
    return Contender(
        name=name,
        excess=dict(zip(names, np.subtract(unlearned, retrain).tolist(), strict=True)),
        gaps=dict(zip(names, (100 * np.subtract(accuracy, baseline)).tolist(), strict=True)),
        residual=residual(unlearned, effects(seeds, "poisoned"), retrain),
        gap=accuracy_gap(accuracy, baseline),
        exceeds_budget=exceeds,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
