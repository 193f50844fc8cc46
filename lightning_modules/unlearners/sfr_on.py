"""SFR-on: weighted ascent on salient weights, every few steps of descent on the retain set."""

import math

import torch
from torch import Tensor, nn

from datamodules import Batch, UnlearnBatch
from datamodules.batch import join_inputs
from lightning_modules.losses import log_probabilities
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, forget_side, retain_side

LEAST = 1e-15


class SFRon(Unlearner):
    """Spends a quarter of its steps on a mask, then descends on the retain set and every so often ascends.

    The mask holds the weights whose diagonal Fisher information on the forget set is at least ``gamma`` times that on
    the retain set: the mean over batches of the squared gradient of the batch's mean loss, in eval mode and full
    precision. Forget batches are put together until they are as large as a retain batch (for the mask), or until the
    next step of ascent (afterwards); what is left over at the end is used in the last step.

    Args:
        alpha: factor of the ascent, positive; falls along a cosine, as the learning rate does.
        lam: power of the loss by whose inverse a forget sample is weighted, at least 0.
        gamma: least ratio of information of weights that ascend, positive.
        every: retain steps between two steps of ascent, at least 1.
        clip: largest norm of the gradient of an ascent, positive.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        max_epochs: passes over the retain set, those for the mask included, or None for the whole budget.
    """

    card = MethodCard(
        name="sfr_on",
        title="SFR-on",
        paper="Huang, Cheng, Zheng, Wang, He, Li, Huang,"
        " Unified Gradient-Based Machine Unlearning with Remain Geometry Enhancement, NeurIPS 2024",
        formula="every 5 steps: w <- w + lr * clip(m * alpha_t * grad sum_i c_i CE_i(forget)), c_i in proportion to"
        " CE_i^-lam and of sum 1, m = 1[F_forget >= gamma * F_retain]; each step: w <- w - lr_t * grad L(retain)",
        source="Unified-Unlearning-w-Remain-Geometry, CIFAR-10: alpha 25, lam .5, gamma 1, every 5, clip 7, lr .01,"
        " momentum .9, weight decay 5e-4, cosine; its moving average of weights has no effect at its setting",
        deviations="the mask costs a quarter of the steps (source: a pass over each set before); an ascent ends each"
        " five steps (source: begins them); as many steps as the budget buys (source: 1500)",
    )
    phases = ("paired",)

    def __init__(
        self,
        *,
        alpha: float = 25.0,
        lam: float = 0.5,
        gamma: float = 1.0,
        every: int = 5,
        clip: float = 7.0,
        lr: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(optimizer=None, max_epochs=max_epochs)
        for name, value in (("alpha", alpha), ("gamma", gamma), ("clip", clip)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if not lam >= 0:
            raise ValueError(f"lam must be at least 0, got {lam}")
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self.alpha = alpha
        self.lam = lam
        self.gamma = gamma
        self.every = every
        self.clip = clip
        self.settings = Sgd(lr, momentum, weight_decay)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode and start with no information."""
        super().setup(stage)
        settings = self.settings
        self.weights: list[nn.Parameter] = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.information = {
            side: [torch.zeros_like(weight) for weight in self.weights] for side in ("forget", "retain")
        }
        self.batches = {"forget": 0, "retain": 0}
        self.waiting: list[Batch] = []
        self.taken = 0
        self.looks = math.ceil(self.plan.steps / 4)
        self.optimizer = torch.optim.SGD(
            self.weights, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
        )

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add to the information, or take a step of descent and perhaps one of ascent before it."""
        retain = retain_side(batch)
        self.waiting.append(forget_side(batch))
        self.taken += 1
        if self.taken <= self.looks:
            self._look("retain", retain)
            waiting = sum(len(side.target) for side in self.waiting)
            if waiting >= len(retain.target) or self.taken == self.looks:
                self._look("forget", self._together())
            return
        done = self.taken - self.looks - 1
        cosine = (1 + math.cos(math.pi * done / (self.plan.steps - self.looks))) / 2
        self.optimizer.param_groups[0]["lr"] = self.settings.lr * cosine
        if (done + 1) % self.every == 0 or self.taken == self.plan.steps:
            self._ascend(self._together(), self.alpha * cosine)
        self.optimizer.zero_grad()
        self.manual_backward(self.loss(retain))
        self.optimizer.step()

    def _look(self, which: str, side: Batch) -> None:
        self.network.eval()
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.weights)
        self.network.train()
        for information, gradient in zip(self.information[which], gradients, strict=True):
            information.add_(gradient.square())
        self.batches[which] += 1

    def _ascend(self, side: Batch, alpha: float) -> None:
        losses = -log_probabilities(self.network, side)
        shares = 1 / (losses.detach() ** self.lam + LEAST)
        self.optimizer.zero_grad()
        self.manual_backward(-alpha * (shares / shares.sum() * losses).sum())
        for weight, mask in zip(self.weights, self._masks(), strict=True):
            if weight.grad is not None:
                weight.grad.mul_(mask)
        nn.utils.clip_grad_norm_(self.weights, self.clip)
        self.optimizer.step()

    def _masks(self) -> list[Tensor]:
        """Return, for each weight tensor, where the forget set informs enough."""
        forgets, retains = (
            [information / self.batches[side] + LEAST for information in self.information[side]]
            for side in ("forget", "retain")
        )
        return [forget / retain >= self.gamma for forget, retain in zip(forgets, retains, strict=True)]

    def _together(self) -> Batch:
        """Return the forget batches that wait as one, of which none is left."""
        sides, self.waiting = self.waiting, []
        inputs = join_inputs([side.inputs for side in sides])
        return Batch(inputs, torch.cat([side.target for side in sides]), torch.cat([side.index for side in sides]))
