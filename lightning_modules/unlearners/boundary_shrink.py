"""Boundary shrink: forget samples are moved to the class across the nearest border."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules import Batch, UnlearnBatch
from datamodules.batch import EMBEDDING_NOISE, Inputs
from lightning_modules.networks import freeze_running_statistics, frozen_copy
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, VisitCost, forget_side


class BoundaryShrink(Unlearner):
    """Trains each forget sample on the class that the network before sees after one step of FGSM on it.

    The retain set is never read. Texts are shifted in their embeddings.

    Args:
        bound: of each coordinate of the FGSM step, in units of the network's inputs; positive.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps taken.
        batch_norm: ``train`` as in the source, or ``frozen``: forget batches then leave the running statistics alone.
        max_epochs: passes over the forget set, or None for the whole budget.
    """

    card = MethodCard(
        name="boundary_shrink",
        title="Boundary shrink",
        paper="Chen, Gao, Liu, Peng, Wang, Boundary Unlearning, CVPR 2023",
        formula="y' = argmax f_0(x + bound * sign(grad_x CE(f_0(x), y))); w <- w - lr * grad CE(forget, y')",
        source="Unlearn-Saliency boundary_sh: bound .1, SGD with momentum .9 and weight decay 5e-4, train mode",
        deviations="inputs are normalised, so bound is in other units, and neither clamped nor rounded to pixels;"
        " lr .001 for 5 passes is ours; texts are shifted in their embeddings",
    )
    modalities = ("image",)
    visit = VisitCost(forget=7)
    phases = ("forget",)

    def __init__(
        self,
        *,
        bound: float = 0.1,
        lr: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "train",
        max_epochs: int | None = 5,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        if not bound > 0:
            raise ValueError(f"bound must be positive, got {bound}")
        self.bound = bound
        self.batch_norm = batch_norm

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says, and keep a copy of it before."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)
        self.before = frozen_copy(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the cross-entropy of the forget batch with the nearest other classes."""
        side = forget_side(batch)
        nearest = self._nearest(side)
        return F.cross_entropy(self.network(side.inputs).float(), nearest)

    def _nearest(self, side: Batch) -> Tensor:
        """Return ``(N,)`` int64: what the network before says of the shifted samples."""
        with torch.autocast(side.target.device.type, enabled=False):
            shift = self._no_shift(side.inputs).requires_grad_()
            loss = F.cross_entropy(self.before(_shifted(side.inputs, shift)).float(), side.target)
            (gradient,) = torch.autograd.grad(loss, shift)
            with torch.no_grad():
                logits: Tensor = self.before(_shifted(side.inputs, self.bound * gradient.sign()))
        return logits.argmax(1)

    def _no_shift(self, inputs: Inputs) -> Tensor:
        if isinstance(inputs, Tensor):
            return torch.zeros_like(inputs)
        ids = inputs["input_ids"]
        return torch.zeros(*ids.shape, cast("int", self.network.embedding_width), device=ids.device)


def _shifted(inputs: Inputs, shift: Tensor) -> Inputs:
    if isinstance(inputs, Tensor):
        return inputs + shift
    noise = inputs[EMBEDDING_NOISE] + shift if EMBEDDING_NOISE in inputs else shift
    return inputs | {EMBEDDING_NOISE: noise}
