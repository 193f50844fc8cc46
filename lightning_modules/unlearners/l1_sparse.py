"""L1-sparse: fine-tuning on the retain set with a penalty that makes the network sparse."""

import torch
from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, retain_side


class L1Sparse(Unlearner):
    """Keeps training on the retain set under an L1 penalty that fades to 0; the forget set is never read.

    Args:
        alpha: weight of the L1 norm of what trains, at the first step; at least 0.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="l1_sparse",
        title="L1-sparse",
        paper="Jia, Liu, Ram, Yao, Liu, Liu, Sharma, Liu, Model Sparsity Can Simplify Machine Unlearning, NeurIPS 2023",
        formula="w <- w - lr * grad [L(retain) + alpha * (1 - t / steps) * |w|_1]",
        source="Unlearn-Sparse FT with L1: lr .01, momentum .9, weight decay 5e-4, alpha falls linearly to 0;"
        " alpha 1e-4 is typical, not stated",
        deviations="alpha falls per step over what the budget buys (source: per epoch, over 10)",
    )
    phases = ("retain",)

    def __init__(
        self,
        *,
        alpha: float = 1e-4,
        lr: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha}")
        self.alpha = alpha
        self.taken = 0

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the loss of the retain batch and the penalty of this step."""
        alpha = self.alpha * (1 - self.taken / self.plan.steps)
        self.taken += 1
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        return self.loss(retain_side(batch)) + alpha * torch.stack([weight.abs().sum() for weight in weights]).sum()
