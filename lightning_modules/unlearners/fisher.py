"""Fisher forgetting: noise on the weights that the retain set does not need."""

from typing import ClassVar

import torch
import torch.nn.functional as F

from datamodules import UnlearnBatch
from lightning_modules.unlearner import MethodCard, Unlearner, retain_side


class Fisher(Unlearner):
    """Adds noise to each weight, the more the less the answers on the retain set depend on it.

    The diagonal of the Fisher information is estimated in eval mode and full precision, one backward pass for a batch:
    labels are drawn from the network's own answers, so gradients of samples have mean 0 and are independent, and the
    squared gradient of their sum is an unbiased estimate of the sum of their squares. Neither forget set nor labels are
    read.

    Args:
        alpha: variance of the noise where the information is 1, positive.
        clamp: no weight gets more than ``alpha * clamp`` of variance, positive.
    """

    card = MethodCard(
        name="fisher",
        title="Fisher forgetting",
        paper="Golatkar, Achille, Soatto, Eternal Sunshine of the Spotless Net, CVPR 2020",
        formula="w <- w + N(0, alpha * min(1 / F_retain, clamp)), F the diagonal of the Fisher information",
        source="SelectiveForgetting: alpha 1e-6, clamp 1e3",
        deviations="labels are drawn from the predictive distribution (source: all of them, weighted) and gradients"
        " squared per batch, which has the same expectation (Liu et al. 2023, Sophia); no mean of the variance over a"
        " filter, no factor 10 for normalisation and last layer; where the budget does not buy a pass, F is estimated"
        " on the random batches that it does buy",
    )
    phases = ("retain",)
    label_free: ClassVar[bool] = True

    def __init__(self, *, alpha: float = 1e-6, clamp: float = 1e3) -> None:
        super().__init__(optimizer=None, max_epochs=1)
        for name, value in (("alpha", alpha), ("clamp", clamp)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.alpha = alpha
        self.clamp = clamp

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no information."""
        self.network.eval()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.information = [torch.zeros_like(weight) for weight in self.weights]
        self.samples = 0

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add the squared gradient of the summed loss with drawn labels."""
        side = retain_side(batch)
        with torch.autocast(side.target.device.type, enabled=False):
            logits = self.network(side.inputs).float()
            drawn = torch.multinomial(logits.detach().softmax(1), 1, generator=self.generator).squeeze(1)
            gradients = torch.autograd.grad(F.cross_entropy(logits, drawn, reduction="sum"), self.weights)
        for information, gradient in zip(self.information, gradients, strict=True):
            information.add_(gradient.square())
        self.samples += len(side.target)

    def on_train_end(self) -> None:
        """Add the noise once."""
        with torch.no_grad():
            for weight, information in zip(self.weights, self.information, strict=True):
                variance = self.alpha * (self.samples / information).clamp(max=self.clamp)
                noise = torch.randn(weight.shape, generator=self.generator, device=weight.device)
                weight.add_(variance.sqrt() * noise)
