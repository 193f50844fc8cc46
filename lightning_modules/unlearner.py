"""The contract of an unlearner: one file, one class, one card, one overridden ``training_step``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from datamodules import Batch, Phase, UnlearnBatch
from datamodules.corpora.base import Modality
from lightning_modules.losses import training_loss
from lightning_modules.recipe import Schedule
from lightning_modules.training import sgd


@dataclass(frozen=True)
class MethodCard:
    """What a reader needs to know about a method.

    Attributes:
        name: short, lower case, unique: ``[a-z0-9][a-z0-9_.-]*``.
        title: as printed in tables.
        paper: authors, title, venue and year.
        formula: the update, in plain text.
        source: where formula and defaults come from.
        deviations: what is deliberately different from the source, or "none".
    """

    name: str
    title: str
    paper: str
    formula: str
    source: str
    deviations: str = "none"


@dataclass(frozen=True)
class VisitCost:
    """Network passes that one visited sample costs: a forward is 1, its backward 2, a teacher's forward 1."""

    retain: float = 3.0
    forget: float = 3.0


@dataclass(frozen=True)
class Plan:
    """What the budget buys, known before the first step.

    Attributes:
        steps: calls of ``training_step``.
        epochs: epochs begun, the last of which may be cut short.
        passes: network passes these steps will cost by the method's ``visit`` cost.
        cut: whether the budget ends the method before it would end by itself.
    """

    steps: int
    epochs: int
    passes: float
    cut: bool = False


@dataclass(frozen=True)
class Sgd:
    """Settings of the default optimizer; the schedule ends with the plan."""

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Schedule = "constant"

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise ValueError(f"lr must be positive, got {self.lr}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum}")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0, got {self.weight_decay}")


BatchNorm = Literal["train", "frozen"]
"""Whether batch normalisation uses and updates batch statistics, or keeps the running statistics it has."""


class Unlearner(L.LightningModule):
    """Moves the weights of a poisoned network so that it forgets the forget set.

    A method sees ``self.network`` (a copy of the poisoned network), ``self.plan``, ``self.generator`` and the batches
    it is given, and nothing else. Its hyper-parameters are the scalar arguments of ``__init__``; each must change the
    result.

    Class attributes:
        card: the method card.
        visit: what a visited sample costs; the plan is made from it, and the ledger checks it.
        equal_batches: whether forget batches are as large as retain batches, not of the scenario's own size.
        modalities: what it was proposed for: there it is run by default, elsewhere when it is named.
        phases: what an epoch reads, in order; override :meth:`schedule` where epochs differ.
        conformance_exceptions: names of conformance checks that the method fails on purpose, each with the reason.

    Attributes:
        network: what is unlearned, in place.
        plan: how many steps the budget buys.
        optimizer_settings: settings of the default optimizer; None for a method that optimises by hand.
        max_epochs: epochs after which the method stops by itself, or None to use the whole budget.
    """

    card: ClassVar[MethodCard]
    visit: ClassVar[VisitCost] = VisitCost()
    equal_batches: ClassVar[bool] = False
    modalities: ClassVar[tuple[Modality, ...]] = ("image", "text")
    phases: ClassVar[tuple[Phase, ...]] = ("retain",)
    kind: ClassVar[Literal["unlearner", "anchor"]] = "unlearner"
    conformance_exceptions: ClassVar[Mapping[str, str]] = {}

    network: nn.Module
    plan: Plan

    def __init__(self, optimizer: Sgd | None = None, max_epochs: int | None = None) -> None:
        super().__init__()
        if max_epochs is not None and max_epochs < 1:
            raise ValueError(f"max_epochs must be at least 1 or null, got {max_epochs}")
        self.optimizer_settings = optimizer
        self.max_epochs = max_epochs
        self.automatic_optimization = optimizer is not None
        self._seed = 0
        self._generator: torch.Generator | None = None

    def attach(self, network: nn.Module, *, plan: Plan, seed: int) -> None:
        """Hand over the network, the plan and the seed; the suite calls this once, before ``fit``."""
        self.network = network
        self.plan = plan
        self._seed = seed

    @property
    def seed(self) -> int:
        """Seed of everything this run draws."""
        return self._seed

    @property
    def generator(self) -> torch.Generator:
        """A generator on the device of the network, seeded with the run's seed."""
        if self._generator is None:
            device = next(self.network.parameters()).device
            self._generator = torch.Generator(device).manual_seed(self._seed)
        return self._generator

    def schedule(self, epoch: int) -> tuple[Phase, ...]:  # noqa: ARG002
        """Return what ``epoch`` (from 0) reads, in order: each phase is one whole pass."""
        return self.phases

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Prepare the network before the first step; by default it is put in train mode."""
        self.network.train()

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean training loss of the network on ``batch``."""
        return training_loss(self.network, batch)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor | None:
        """Return the loss to be minimised on ``batch``, or None after optimising by hand."""
        raise NotImplementedError(f"{type(self).__name__} must override training_step")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return SGD over the trainable parameters of the network, by ``optimizer_settings``."""
        settings = self.optimizer_settings
        if settings is None:
            return None
        return sgd(
            [parameter for parameter in self.network.parameters() if parameter.requires_grad],
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=False,
            weight_decay=settings.weight_decay,
            schedule=settings.schedule,
            steps=self.plan.steps,
        )


def retain_side(batch: UnlearnBatch) -> Batch:
    """Return the retain samples of ``batch``.

    Raises:
        ValueError: if the phase gave none.
    """
    if batch.retain is None:
        raise ValueError(f"a {batch.phase!r} batch has no retain side")
    return batch.retain


def forget_side(batch: UnlearnBatch) -> Batch:
    """Return the forget samples of ``batch``.

    Raises:
        ValueError: if the phase gave none.
    """
    if batch.forget is None:
        raise ValueError(f"a {batch.phase!r} batch has no forget side")
    return batch.forget
