"""Second-order influence: a Newton step away from the forget set, by LiSSA."""

import torch
from torch import Tensor

from datamodules import Batch, Phase, UnlearnBatch
from lightning_modules.unlearner import MethodCard, Unlearner, VisitCost, forget_side, retain_side

REACH = 1e-2
"""Length of the move by which products with the Hessian are taken, in weight space."""


class InfluenceSecond(Unlearner):
    """Sums the gradient of the forget set, then spends the budget on its product with the inverse Hessian.

    A product with the Hessian of a retain batch is a central difference of two gradients, in eval mode and full
    precision; the weights move once, at the end.

    Args:
        damping: of LiSSA, in [0, 1).
        scale: of LiSSA: must exceed the largest eigenvalue of the Hessian of a batch's summed loss; positive.
        max_epochs: passes over the retain set, or None for the whole budget.
    """

    card = MethodCard(
        name="influence_second",
        title="Influence, second order",
        paper="Warnecke, Pirch, Wressnegger, Rieck, Machine Unlearning of Features and Labels, NDSS 2023",
        formula="w <- w - u / scale, u <- D + (1 - damping) * u - H_batch u / scale from u = D,"
        " D = -sum grad L(forget), H_batch of the batch's summed loss",
        source="MachineUnlearning: damping 1e-4, scale 2e5, batches as LiSSA's (Agarwal, Bullins, Hazan, JMLR 2017)",
        deviations="samples are deleted (source: their labels are corrected); Hessian of the retain set, by central"
        " differences; all that trains moves (source: the last six tensors); as many iterations as the budget buys"
        " (source: up to 100 passes, stopped where u stalls)",
    )
    visit = VisitCost(retain=6, forget=3)
    phases = ("forget", "retain")

    def __init__(self, *, damping: float = 1e-4, scale: float = 2e5, max_epochs: int | None = None) -> None:
        super().__init__(optimizer=None, max_epochs=max_epochs)
        if not 0 <= damping < 1:
            raise ValueError(f"damping must be in [0, 1), got {damping}")
        if not scale > 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.damping = damping
        self.scale = scale

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return the forget set before the first pass over the retain set, the retain set alone afterwards."""
        return self.phases if epoch == 0 else ("retain",)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no gradient."""
        self.network.eval()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.before = [weight.detach().clone() for weight in self.weights]
        self.difference = [torch.zeros_like(weight) for weight in self.weights]
        self.estimate: list[Tensor] = []

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add the gradient of a forget batch, or make one iteration of LiSSA with a retain batch."""
        if batch.phase == "forget":
            for total, gradient in zip(self.difference, self._gradient(forget_side(batch)), strict=True):
                total.sub_(gradient)
            return
        if not self.estimate:
            self.estimate = [value.clone() for value in self.difference]
        products = self._hessian_times(self.estimate, retain_side(batch))
        for value, first, product in zip(self.estimate, self.difference, products, strict=True):
            value.mul_(1 - self.damping).add_(first).sub_(product, alpha=1 / self.scale)

    def on_train_end(self) -> None:
        """Move the weights."""
        with torch.no_grad():
            for weight, value in zip(self.weights, self.estimate or self.difference, strict=True):
                weight.sub_(value, alpha=1 / self.scale)

    def _gradient(self, side: Batch) -> list[Tensor]:
        """Return the gradient of the summed loss."""
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.weights)
        return [gradient * len(side.target) for gradient in gradients]

    def _hessian_times(self, vector: list[Tensor], side: Batch) -> list[Tensor]:
        length = torch.stack([value.square().sum() for value in vector]).sum().sqrt().clamp(min=1e-12)
        step = REACH / float(length)
        ahead, behind = (self._gradient_at(vector, sign * step, side) for sign in (1, -1))
        return [(one - other) / (2 * step) for one, other in zip(ahead, behind, strict=True)]

    def _gradient_at(self, vector: list[Tensor], step: float, side: Batch) -> list[Tensor]:
        with torch.no_grad():
            for weight, before, value in zip(self.weights, self.before, vector, strict=True):
                weight.copy_(before).add_(value, alpha=step)
        gradient = self._gradient(side)
        with torch.no_grad():
            for weight, before in zip(self.weights, self.before, strict=True):
                weight.copy_(before)
        return gradient
