"""Noisy gradient descent on the retain set."""

from typing import Any

import torch
from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, retain_side


class NGD(Unlearner):
    """Gradient descent on the retain set with Gaussian noise added to every gradient.

    The noise joins the gradient before the optimizer, so with momentum it is accumulated like a gradient.

    Args:
        lr: learning rate, positive.
        noise_variance: variance of the noise on each gradient coordinate, at least 0.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="ngd",
        title="NGD (noisy GD)",
        paper="Chien, Wang, Chen, Li, Langevin Unlearning, NeurIPS 2024",
        formula="w <- w - lr * (grad CE(retain) + xi), xi ~ N(0, noise_variance * I)",
        source="form and noise variance (1e-7) as in Pawelczyk et al., ICLR 2025; the rest as GD",
        deviations="momentum SGD, so the noise enters through the momentum buffer",
    )
    phases = ("retain",)

    def __init__(
        self,
        *,
        lr: float = 0.01,
        noise_variance: float = 1e-7,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        if noise_variance < 0:
            raise ValueError(f"noise_variance must be at least 0, got {noise_variance}")
        self.noise_variance = noise_variance

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the cross-entropy of the retain batch."""
        return self.loss(retain_side(batch))

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Add noise to the gradient of every parameter that moves."""
        for parameter in self.network.parameters():
            if parameter.grad is not None:
                noise = torch.randn(parameter.shape, generator=self.generator, device=parameter.device)
                parameter.grad.add_(noise, alpha=self.noise_variance**0.5)
