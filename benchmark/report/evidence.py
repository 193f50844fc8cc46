"""What the report itself measures, beside what the entries hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.report.material import Material

Removed = Literal["poison", "random"]
"""Which samples were taken out: poisons, or equally many random clean samples."""


@dataclass(frozen=True)
class Membership:
    """What two attacks say of one model.

    Attributes:
        scenario: where it comes from.
        method: that made it; an anchor's name for a baseline.
        budget: fraction of training.
        seed: its seed.
        members: number of samples in the forget set.
        held_out: number of samples that no model was trained on.
        loss_tpr: true-positive rate of the loss-threshold attack at a false-positive rate of .01.
        loss_auc: area under its curve.
        audit_tpr: true-positive rate of the Gaussian audit at a false-positive rate of .01.
        audit_auc: area under its curve.
    """

    scenario: str
    method: str
    budget: float
    seed: int
    members: int
    held_out: int
    loss_tpr: float
    loss_auc: float
    audit_tpr: float
    audit_auc: float


@dataclass(frozen=True)
class Shift:
    """How far the optimum of logistic regression moves when samples are removed.

    Attributes:
        scenario: where the samples come from.
        attack: name of the poison.
        seed: of the scenario.
        fraction: share of the poisons that is removed.
        count: number of removed samples.
        removed: which.
        exact: L1 norm of the shift between the two optima.
        influence: L1 norm of the influence function's estimate of it.
    """

    scenario: str
    attack: str
    seed: int
    fraction: float
    count: int
    removed: Removed
    exact: float
    influence: float


@dataclass(frozen=True)
class Alignment:
    """How steps on the retain set lie to the shift that removal asks for.

    Attributes:
        scenario: where the samples come from.
        attack: name of the poison.
        seed: of the scenario.
        regime: model and ratio of samples to dimensions.
        removed: what is removed.
        gradient: cosine of the gradient step.
        newton: cosine of the Newton step.
        outside: share of the squared shift outside the span of the retain set's inputs; None where that is not asked.
    """

    scenario: str
    attack: str
    seed: int
    regime: str
    removed: Removed
    gradient: float
    newton: float
    outside: float | None


@dataclass(frozen=True)
class Evidence:
    """All that claims are judged by."""

    material: Material
    memberships: Sequence[Membership] = ()
    shifts: Sequence[Shift] = ()
    alignments: Sequence[Alignment] = ()
