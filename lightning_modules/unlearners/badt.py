"""Bad-T: a teacher that was never trained for the forget set, the network before for the rest."""

from typing import ClassVar

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from datamodules import UnlearnBatch, joined
from lightning_modules.losses import kl_from_teacher
from lightning_modules.networks import fresh_copy, frozen_copy
from lightning_modules.unlearner import MethodCard, Unlearner, VisitCost


class BadT(Unlearner):
    """Distils a fresh network on the forget samples and the network before on the retain samples of a batch.

    No label is read.

    Args:
        temperature: of the softened predictions, positive.
        lr: learning rate of Adam, positive.
        max_epochs: passes over the whole training set after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="badt",
        title="Bad-T (bad teacher)",
        paper="Chundawat, Tarun, Mandal, Kankanhalli, Can Bad Teaching Induce Forgetting?, AAAI 2023",
        formula="Adam on mean of KL_T(fresh || w) over forget and KL_T(before || w) over retain samples",
        source="bad-teaching-unlearning: Adam, lr 1e-4, 1 epoch, T 1; its KL, of the student from the teacher,"
        " is divided by the number of classes, which Adam undoes",
        deviations="reads the whole retain set (source: a random 30 %); times T^2, which Adam undoes;"
        " each sample asks only the teacher that counts for it",
    )
    visit = VisitCost(retain=4, forget=4)
    phases = ("mixed",)
    label_free: ClassVar[bool] = True

    def __init__(self, *, temperature: float = 1.0, lr: float = 1e-4, max_epochs: int | None = 1) -> None:
        super().__init__(optimizer=None, max_epochs=max_epochs)
        self.automatic_optimization = True
        for name, value in (("temperature", temperature), ("lr", lr)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.temperature = temperature
        self.lr = lr

    def setup(self, stage: str | None = None) -> None:
        """Make the two teachers, both in eval mode."""
        super().setup(stage)
        self.before = frozen_copy(self.network)
        self.fresh = frozen_copy(fresh_copy(self.network, self.seed))

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the distance of the batch from its teachers."""
        sides = ((self.fresh, batch.forget), (self.before, batch.retain))
        with torch.no_grad():
            teacher = torch.cat([network(side.inputs) for network, side in sides if side is not None])
        return kl_from_teacher(self.network(joined(batch).inputs), teacher, self.temperature)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return Adam over what trains."""
        return torch.optim.Adam([weight for weight in self.network.parameters() if weight.requires_grad], lr=self.lr)
