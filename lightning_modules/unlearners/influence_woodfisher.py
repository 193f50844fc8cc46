"""Influence unlearning with the recursion of WoodFisher."""

import math

import torch
from torch import Tensor

from datamodules import Batch, Phase, UnlearnBatch, map_inputs
from lightning_modules.unlearner import MethodCard, Unlearner, forget_side, retain_side


class InfluenceWoodFisher(Unlearner):
    """Moves along the gradient of the forget set minus that of the retain set, times an approximate inverse Fisher.

    All gradients are taken at the network before, in eval mode and full precision; the weights move once, at the end.
    Of the retain batches that the budget buys, at most two passes, the first half give the gradient and the second
    half feed the recursion, sample by sample.

    Args:
        alpha: length of the step, positive.
        samples: N of the recursion, at least 1.
    """

    card = MethodCard(
        name="influence_woodfisher",
        title="Influence (WoodFisher)",
        paper="Izzo, Smart, Chaudhuri, Zou, Approximate Data Deletion from Machine Learning Models, AISTATS 2021;"
        " as in Jia et al., Model Sparsity Can Simplify Machine Unlearning, NeurIPS 2023",
        formula="w <- w + alpha * k; k = grad L(forget) - grad L(retain), o = g_1, then for each retain sample's"
        " gradient g: k <- k - o * <k, g> / (N + <o, g>), o <- o - o * <o, g> / (N + <o, g>)",
        source="Unlearn-Sparse and Unlearn-Saliency, N 1000; in this recursion o keeps the direction of g_1, so k is"
        " corrected along one direction only and is not the Woodbury inverse of Singh and Alistarh (2020)",
        deviations="the factor |forget| / |all| of k is left to alpha, since a method is not told the sizes; alpha .2"
        " is ours (source: tuned); as many samples as the budget buys (source: the first 1000)",
    )
    phases = ("forget", "retain")

    def __init__(self, *, alpha: float = 0.2, samples: int = 1000) -> None:
        super().__init__(optimizer=None, max_epochs=2)
        if not alpha > 0:
            raise ValueError(f"alpha must be positive, got {alpha}")
        if samples < 1:
            raise ValueError(f"samples must be at least 1, got {samples}")
        self.alpha = alpha
        self.samples = samples

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return the forget set before the first pass over the retain set, the retain set alone afterwards."""
        return self.phases if epoch == 0 else ("retain",)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no gradient."""
        self.network.eval()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        size = sum(weight.numel() for weight in self.weights)
        self.sums = {side: self.weights[0].new_zeros(size) for side in ("forget", "retain")}
        self.counts = {"forget": 0, "retain": 0}
        self.batches = {"forget": 0, "retain": 0}
        self.direction: Tensor | None = None
        self.other: Tensor | None = None

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add the gradient of the batch to that of its set, or feed its samples to the recursion."""
        side = forget_side(batch) if batch.phase == "forget" else retain_side(batch)
        if self.batches["retain"] < math.ceil((self.plan.steps - self.batches["forget"]) / 2):
            self.sums[batch.phase].add_(self._gradient(side), alpha=len(side.target))
            self.counts[batch.phase] += len(side.target)
            self.batches[batch.phase] += 1
            return
        for row in range(len(side.target)):
            self._recur(self._gradient(_only(side, row)))

    def on_train_end(self) -> None:
        """Move the weights, where both sets were read."""
        if not self.counts["retain"]:
            return
        sizes = [weight.numel() for weight in self.weights]
        with torch.no_grad():
            for weight, part in zip(self.weights, torch.split(self._direction(), sizes), strict=True):
                weight.add_(part.view_as(weight), alpha=self.alpha)

    def _gradient(self, side: Batch) -> Tensor:
        """Return the gradient of the mean loss, as one vector."""
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.weights)
        return torch.cat([gradient.flatten() for gradient in gradients])

    def _direction(self) -> Tensor:
        if self.direction is None:
            means = {side: self.sums[side] / self.counts[side] for side in self.sums}
            self.direction = means["forget"] - means["retain"]
        return self.direction

    def _recur(self, gradient: Tensor) -> None:
        direction = self._direction()
        if self.other is None:
            self.other = gradient
            return
        overlap = torch.dot(self.other, gradient)
        direction.sub_(self.other * (torch.dot(direction, gradient) / (self.samples + overlap)))
        self.other.sub_(self.other * (overlap / (self.samples + overlap)))


def _only(side: Batch, row: int) -> Batch:
    """Return one sample as a batch."""
    rows = slice(row, row + 1)
    return Batch(map_inputs(side.inputs, lambda tensor: tensor[rows]), side.target[rows], side.index[rows])
