"""MSG: weights that tell forget and retain set apart least are reset, then all is repaired on the retain set."""

import torch
from torch import Tensor, nn

from datamodules import Batch, Phase, UnlearnBatch
from lightning_modules.networks import fresh_copy, weight_layers
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, forget_side, retain_side


class MSG(Unlearner):
    """Compares gradients of forget set and as many retain samples, resets weights, and fine-tunes on the retain set.

    Gradients are taken in eval mode and full precision. In each weight layer but the last, the weights with the
    smallest difference of gradients are reset; the others of these layers move more slowly afterwards.

    Args:
        fraction: share of each tensor that is reset, in (0, 1).
        keep: factor of the gradient of what was not reset, in the layers that were; at least 0.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        max_epochs: passes over the retain set, of which the first samples serve the comparison, or None for the whole
            budget.
    """

    card = MethodCard(
        name="msg",
        title="MSG (reset by gradient)",
        paper="second of the NeurIPS 2023 unlearning challenge; named MSG by Cadet, Borovykh, Malekzadeh,"
        " Ahmadi-Abhari, Haddadi, Deep Unlearn, 2024",
        formula="s = |grad L(retain) - grad L(forget)|; the 30 % of a layer's weights with the least s are drawn anew;"
        " w <- w - lr * m * grad L(retain), m .1 for the rest of these layers, else 1",
        source="deepunlearn: fraction .3, factor .1, lr .001, momentum .9, weight decay 5e-4",
        deviations="every weight layer but the last (source: every convolution), so that it is defined for texts; fresh"
        " weights are those with which training begins (source: Kaiming normal, fan out); constant learning rate"
        " (source: up and down over 5 epochs); as many epochs as the budget buys; without retain steps left to repair,"
        " nothing is reset",
    )
    phases = ("forget", "retain")

    def __init__(
        self,
        *,
        fraction: float = 0.3,
        keep: float = 0.1,
        lr: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(optimizer=None, max_epochs=max_epochs)
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be in (0, 1), got {fraction}")
        if not keep >= 0:
            raise ValueError(f"keep must be at least 0, got {keep}")
        self.fraction = fraction
        self.keep = keep
        self.settings = Sgd(lr, momentum, weight_decay)

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return the forget set before the first pass over the retain set, the retain set alone afterwards."""
        return self.phases if epoch == 0 else ("retain",)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode and start with no gradient."""
        super().setup(stage)
        layers = weight_layers(self.network)
        fresh = fresh_copy(self.network, self.seed)
        self.targets: list[nn.Parameter] = []
        self.fresh: list[Tensor] = []
        for name in layers[:-1] or layers:
            drawn = dict(fresh.get_submodule(name).named_parameters(recurse=False))
            for own, weight in self.network.get_submodule(name).named_parameters(recurse=False):
                if weight.ndim > 1 and weight.requires_grad:
                    self.targets.append(weight)
                    self.fresh.append(drawn[own].detach())
        self.sums = {side: [torch.zeros_like(weight) for weight in self.targets] for side in ("forget", "retain")}
        self.counts = {"forget": 0, "retain": 0}
        self.pace: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        """Compare in eval mode."""
        if self.current_epoch == 0:
            self.network.eval()

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add to the gradient of the batch's set, or take a step on the retain batch."""
        if batch.phase == "forget":
            self._look("forget", forget_side(batch))
        elif self.counts["retain"] < self.counts["forget"]:
            self._look("retain", retain_side(batch))
        else:
            if not self.pace:
                self._reset()
            self._repair(retain_side(batch))

    def _look(self, which: str, side: Batch) -> None:
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.targets)
        for total, gradient in zip(self.sums[which], gradients, strict=True):
            total.add_(gradient, alpha=len(side.target))
        self.counts[which] += len(side.target)

    def _reset(self) -> None:
        """Reset the weights with the least difference of mean gradients and prepare the training of the others."""
        for weight, fresh, retain, forget in zip(
            self.targets, self.fresh, self.sums["retain"], self.sums["forget"], strict=True
        ):
            size = (retain / self.counts["retain"] - forget / self.counts["forget"]).abs().flatten()
            chosen = torch.zeros(len(size), dtype=torch.bool, device=size.device)
            chosen[size.argsort(stable=True)[: round(self.fraction * len(size))]] = True
            chosen = chosen.view_as(weight)
            with torch.no_grad():
                weight.copy_(torch.where(chosen, fresh, weight))
            self.pace.append(torch.where(chosen, 1.0, self.keep))
        settings = self.settings
        self.optimizer = torch.optim.SGD(
            [weight for weight in self.network.parameters() if weight.requires_grad],
            lr=settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self.network.train()

    def _repair(self, side: Batch) -> None:
        self.optimizer.zero_grad()
        self.manual_backward(self.loss(side))
        for weight, pace in zip(self.targets, self.pace, strict=True):
            if weight.grad is not None:
                weight.grad.mul_(pace)
        self.optimizer.step()
