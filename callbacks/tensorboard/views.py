"""What is shown in TensorBoard, as plain data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lightning_modules import MethodCard

Scalars = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A network as it was measured.

    Attributes:
        scores: every scalar; what could not be measured, because the network diverged, is missing, None or NaN.
        arrays: what pictures are drawn from.
        measured_at: when, in seconds since 1970: TensorBoard prints it beside pictures.
    """

    scores: Scalars
    arrays: Mapping[str, Tensor] = field(default_factory=dict)
    measured_at: float = 0.0

    def __getitem__(self, key: str) -> float:
        """Return a scalar, NaN where it could not be measured."""
        return number(self.scores.get(key))


@dataclass(frozen=True, kw_only=True)
class TrainingRun(Scored):
    """The poisoned model, the retrain baseline or the second retrain.

    Attributes:
        passes: network passes its training cost.
        history: one mapping an epoch: ``epoch``, ``loss``, ``lr``.
    """

    passes: float
    history: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True, kw_only=True)
class UnlearningRun(Scored):
    """A method after it ran on one poisoned model.

    Attributes:
        card: what the method is.
        hyperparameters: its settings.
        budget: what it was allowed, as a fraction of the poisoned model's training.
        passes: network passes it spent.
        trajectory: for each snapshot, in order, its ``passes`` and scalars.
    """

    card: MethodCard
    hyperparameters: Mapping[str, str | int | float | bool | None]
    budget: float
    passes: float
    trajectory: Sequence[Scalars] = ()

    def __post_init__(self) -> None:
        if not self.budget > 0:
            raise ValueError(f"budget must be positive, got {self.budget}")

    @property
    def name(self) -> str:
        """Method and budget, as in ``gd@10%``."""
        return run_name(self.card.name, self.budget)


def run_name(method: str, budget: float) -> str:
    """Return a method and a budget as the name of a run and of its folder: ``gd@10%``."""
    return f"{method}@{100 * budget:g}%"


@dataclass(frozen=True)
class PoisonImages:
    """A few poisons and the clean base samples they were made of.

    Attributes:
        base: ``(K, C, H, W)`` float32, in [0, 1] pixel units; C is 1 or 3.
        poison: ``(K, C, H, W)`` float32, in the same units, not clipped.
        labels: K labels, in words.
    """

    base: Tensor
    poison: Tensor
    labels: Sequence[str]

    def __post_init__(self) -> None:
        if self.base.ndim != 4 or self.base.shape[1] not in (1, 3):
            raise ValueError(f"base must be (K, 1 or 3, H, W), got {tuple(self.base.shape)}")
        if self.base.shape != self.poison.shape:
            raise ValueError(f"poison must be {tuple(self.base.shape)} like base, got {tuple(self.poison.shape)}")
        if not len(self.base) == len(self.labels) > 0:
            raise ValueError(f"labels must be {len(self.base)}, one an image and at least 1, got {len(self.labels)}")


@dataclass(frozen=True)
class PoisonTexts:
    """A few poisons and the clean base samples they were made of, as their tokens read.

    Attributes:
        base: K texts.
        poison: K texts.
        labels: K labels, in words.
        change: what else was changed, in words; empty where nothing was.
    """

    base: Sequence[str]
    poison: Sequence[str]
    labels: Sequence[str]
    change: str = ""

    def __post_init__(self) -> None:
        if not len(self.base) == len(self.poison) == len(self.labels) > 0:
            raise ValueError(
                f"base, poison and labels must be equally many and at least 1, got {len(self.base)}, "
                f"{len(self.poison)} and {len(self.labels)}"
            )


@dataclass(frozen=True)
class CraftingCurves:
    """How near a crafting came to what it aims at.

    Attributes:
        quantity: what falls, in words.
        values: ``(L, steps + 1)`` before each step and after the last one, one line for each thing crafted, above 0
            where ``logarithmic``.
        labels: L of them, in words.
        logarithmic: whether the axis is, where the values fall below a tenth of the largest.
    """

    quantity: str
    values: Tensor
    labels: Sequence[str]
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not len(self.values) == len(self.labels) > 0:
            raise ValueError(f"values must be ({len(self.labels)}, steps + 1), got {tuple(self.values.shape)}")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A few test images, in one or several versions, of which networks say how probable the attacker's class is.

    Attributes:
        name: of the picture.
        key: where the probabilities lie among the arrays of a network: ``(..., num_classes)``, version by version the
            same images in the same order, K or more.
        images: ``(V, K, C, H, W)`` float32, in [0, 1] pixel units; C is 1 or 3.
        versions: V names.
        labels: K labels, in words.
        true: ``(K,)`` int64, the classes of the images.
        wanted: ``(K,)`` int64, the classes that the attacker wants.
    """

    name: str
    key: str
    images: Tensor
    versions: Sequence[str]
    labels: Sequence[str]
    true: Tensor
    wanted: Tensor

    def __post_init__(self) -> None:
        shape = (len(self.versions), len(self.labels))
        if self.images.ndim != 5 or self.images.shape[2] not in (1, 3) or self.images.shape[:2] != shape:
            raise ValueError(f"images must be {shape} times (1 or 3, H, W), got {tuple(self.images.shape)}")
        if not len(self.true) == len(self.wanted) == len(self.labels) > 0:
            raise ValueError(f"true and wanted must be {len(self.labels)} long, one a label and at least 1")

    def probabilities(self, network: Scored) -> tuple[Tensor, Tensor] | None:
        """Return what ``network`` gives the wanted and the true classes, ``(V, K)`` each; None where it diverged."""
        found = network.arrays.get(self.key)
        if found is None or not bool(found.isfinite().all()):
            return None
        columns = torch.arange(len(self.labels))
        shaped = found.reshape(len(self.versions), -1, found.shape[-1])
        return shaped[:, columns, self.wanted], shaped[:, columns, self.true]


@dataclass(frozen=True, kw_only=True)
class SeedView:
    """One seed of a scenario: what every method run on it is compared with.

    Attributes:
        scenario: its name.
        seed: the seed.
        effect: key of the poison's primary effect among the scores.
        horizon: the greatest budget, as a fraction of the poisoned model's training: how far flat lines are drawn.
        poisoned: the poisoned model.
        retrain: the retrain baseline.
        second_retrain: another one, whose distance from the first is noise.
        images: a few poisons, or None where there is nothing to see.
        texts: the same of texts.
        crafting: how the poisons were crafted, or None where that is no matter of steps.
        probe: images by which the attack is seen in a network, or None.
    """

    scenario: str
    seed: int
    effect: str
    horizon: float
    poisoned: TrainingRun
    retrain: TrainingRun
    second_retrain: TrainingRun
    images: PoisonImages | None = None
    texts: PoisonTexts | None = None
    crafting: CraftingCurves | None = None
    probe: Probe | None = None

    @property
    def anchors(self) -> dict[str, TrainingRun]:
        """The trained networks by name."""
        return {"poisoned": self.poisoned, "retrain": self.retrain, "second_retrain": self.second_retrain}

    def share(self, passes: float) -> float:
        """Return ``passes`` as a fraction of the poisoned model's training."""
        return passes / self.poisoned.passes

    def residual(self, network: Scored) -> float:
        """Return (E(network) - E(retrain)) / (E(poisoned) - E(retrain)) on this seed; NaN where it is undefined."""
        took = self.poisoned[self.effect] - self.retrain[self.effect]
        return (network[self.effect] - self.retrain[self.effect]) / took if took else math.nan

    def accuracy_gap(self, network: Scored) -> float:
        """Return accuracy(network) - accuracy(retrain) on the test split, in points."""
        return 100 * (network["accuracy/test"] - self.retrain["accuracy/test"])


def number(value: float | None) -> float:
    """Return ``value``, NaN where it is missing or not finite."""
    return value if value is not None and math.isfinite(value) else math.nan
