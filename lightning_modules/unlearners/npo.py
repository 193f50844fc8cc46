"""NPO: negative preference optimisation against the network before."""

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules import Phase, UnlearnBatch
from lightning_modules.losses import log_probabilities
from lightning_modules.networks import freeze_running_statistics, frozen_copy
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, VisitCost, forget_side, retain_side


class NPO(Unlearner):
    """Pushes the answers of the forget set below their probability before, the less the lower they are already.

    The reference is a frozen copy of the network before; for beta towards 0 this is GradDiff.

    Args:
        beta: how soon the push fades, positive.
        gamma: weight of the forget term, positive.
        alpha: weight of the retain term, at least 0; at 0 the retain set is never read.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        batch_norm: ``frozen``: forget batches leave the running statistics alone; or ``train``.
        max_epochs: passes over the retain set (without it: the forget set) after which it stops, or None for the
            whole budget.
    """

    card = MethodCard(
        name="npo",
        title="NPO (negative preference optimisation)",
        paper="Zhang, Lin, Bai, Mei, Negative Preference Optimization, COLM 2024",
        formula="w <- w - lr * grad [gamma * (2/beta) * mean_forget log(1 + (p(y|x) / p_before(y|x))^beta)"
        " + alpha * L(retain)]",
        source="open-unlearning NPO (beta .1, gamma 1, alpha 1); classes: y is the class",
        deviations="SGD at lr .0003, the largest of five (1e-4 to 1e-2) that kept accuracy on a selection split of"
        " digits within a point, for noisy and for mislabelled forget sets (source: AdamW, 1e-5); one pass over the"
        " retain set while the forget batches start over (source: ten passes over the forget set); the running"
        " statistics of batch normalisation, which the source's networks lack, stay",
    )
    modalities = ("text",)
    visit = VisitCost(retain=3, forget=4)
    phases = ("paired",)

    def __init__(
        self,
        *,
        beta: float = 0.1,
        gamma: float = 1.0,
        alpha: float = 1.0,
        lr: float = 3e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "frozen",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        for name, value in (("beta", beta), ("gamma", gamma)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha}")
        self.beta = beta
        self.gamma = gamma
        self.alpha = alpha
        self.batch_norm = batch_norm

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return paired batches, or the forget set alone where the retain term has no weight."""
        return super().schedule(epoch) if self.alpha else ("forget",)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says, and freeze the reference."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)
        self.reference = frozen_copy(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return gamma * (2 / beta) * log(1 + (p / p_before)^beta) + alpha * L(retain)."""
        side = forget_side(batch)
        with torch.no_grad():
            before = log_probabilities(self.reference, side)
        ratio = log_probabilities(self.network, side) - before
        forget = self.gamma * 2 / self.beta * F.softplus(self.beta * ratio).mean()
        return forget + self.alpha * self.loss(retain_side(batch)) if self.alpha else forget
