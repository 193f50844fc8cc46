"""SCRUB: away from the teacher on the forget set, close to it on the retain set."""

import torch
from torch import Tensor

from datamodules import Phase, UnlearnBatch
from lightning_modules.losses import kl_from_teacher
from lightning_modules.networks import freeze_running_statistics, frozen_copy
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, VisitCost, forget_side, retain_side


class Scrub(Unlearner):
    """Alternates whole passes: max steps on the forget set in the first ``msteps`` epochs, min steps on the retain set.

    Teacher is a frozen copy of the network before; one optimizer serves both kinds of step.

    Args:
        alpha: weight of the distillation on the retain set, at least 0.
        gamma: weight of the cross-entropy on the retain set, at least 0.
        temperature: of the softened predictions, positive.
        msteps: number of epochs that begin with max steps, at least 0.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        batch_norm: ``train`` as in the source, or ``frozen``: forget batches then leave the running statistics alone.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="scrub",
        title="SCRUB",
        paper="Kurmanji, Triantafillou, Hayes, Triantafillou, Towards Unbounded Machine Unlearning, NeurIPS 2023",
        formula="max KL_T(teacher || w) on forget; min gamma * CE(retain) + alpha * KL_T(teacher || w) on retain",
        source="SCRUB code, large-scale configuration: SGD lr 5e-4, gamma .99, alpha .001, T 4, msteps 2",
        deviations="runs as many epochs as the budget buys (the source: 3), without its step decay, with momentum .9",
    )
    visit = VisitCost(retain=4, forget=4)

    def __init__(
        self,
        *,
        alpha: float = 0.001,
        gamma: float = 0.99,
        temperature: float = 4.0,
        msteps: int = 2,
        lr: float = 5e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "train",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        self.batch_norm = batch_norm
        for name, value in (("alpha", alpha), ("gamma", gamma), ("msteps", msteps)):
            if value < 0:
                raise ValueError(f"{name} must be at least 0, got {value}")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.alpha = alpha
        self.gamma = gamma
        self.temperature = temperature
        self.msteps = msteps

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return max steps before min steps in the first ``msteps`` epochs, min steps alone afterwards."""
        return ("forget", "retain") if epoch < self.msteps else ("retain",)

    def setup(self, stage: str | None = None) -> None:
        """Freeze the teacher."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)
        self.teacher = frozen_copy(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the loss of a max step on forget samples, or of a min step on retain samples."""
        side = forget_side(batch) if batch.phase == "forget" else retain_side(batch)
        with torch.no_grad():
            teacher = self.teacher(side.inputs)
        student = self.network(side.inputs)
        distance = kl_from_teacher(student, teacher, self.temperature)
        if batch.phase == "forget":
            return -distance
        return self.gamma * torch.nn.functional.cross_entropy(student.float(), side.target) + self.alpha * distance
