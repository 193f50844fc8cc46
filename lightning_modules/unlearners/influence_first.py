"""First-order influence: one step up the summed loss of the forget set."""

import torch

from datamodules import UnlearnBatch
from lightning_modules.unlearner import MethodCard, Unlearner, forget_side


class InfluenceFirst(Unlearner):
    """Adds the gradient of the forget set, summed over its samples, times tau; once, in eval mode and full precision.

    The retain set is never read.

    Args:
        tau: unlearning rate, positive.
    """

    card = MethodCard(
        name="influence_first",
        title="Influence, first order",
        paper="Warnecke, Pirch, Wressnegger, Rieck, Machine Unlearning of Features and Labels, NDSS 2023",
        formula="w <- w - tau * D, D = sum grad L(corrected) - sum grad L(forget); deleting: D = -sum grad L(forget)",
        source="MachineUnlearning: tau 2e-5",
        deviations="samples are deleted (source: their labels are corrected, which nobody here knows); all that trains"
        " moves (source: the last six tensors)",
    )
    phases = ("forget",)

    def __init__(self, *, tau: float = 2e-5) -> None:
        super().__init__(optimizer=None, max_epochs=1)
        if not tau > 0:
            raise ValueError(f"tau must be positive, got {tau}")
        self.tau = tau

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no gradient."""
        self.network.eval()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.gradient = [torch.zeros_like(weight) for weight in self.weights]

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add the gradient of the forget batch."""
        side = forget_side(batch)
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.weights)
        for total, gradient in zip(self.gradient, gradients, strict=True):
            total.add_(gradient, alpha=len(side.target))

    def on_train_end(self) -> None:
        """Take the step."""
        with torch.no_grad():
            for weight, gradient in zip(self.weights, self.gradient, strict=True):
                weight.add_(gradient, alpha=self.tau)
