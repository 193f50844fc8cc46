"""SalUn: random labels, but only the weights move that matter to the forget set."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datamodules import Batch, Phase, UnlearnBatch
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, forget_side, retain_side


class SalUn(Unlearner):
    """Spends one pass over the forget set on a mask, then trains the masked weights on random labels and retain set.

    The mask holds the weights with the largest gradient of the mean loss over the forget set, at the network before,
    in eval mode and full precision. All others stay as they are, bit for bit, whatever momentum and weight decay do.

    Args:
        fraction: share of the weights that may move, in (0, 1].
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        batch_norm: ``train`` as in the source, or ``frozen``: forget batches then leave the running statistics alone.
        max_epochs: passes over both sets, after that for the mask, or None for the whole budget.
    """

    card = MethodCard(
        name="salun",
        title="SalUn",
        paper="Fan, Liu, Zhang, Wong, Wei, Liu, SalUn, ICLR 2024",
        formula="m = 1[|grad L(forget)| in its largest half]; w <- m * (w - lr * grad CE(forget, y')) + (1 - m) * w,"
        " y' uniform over the wrong classes, and the same with L(retain)",
        source="Unlearn-Saliency: mask .5, lr .013, momentum .9, weight decay 5e-4, a forget pass before each retain"
        " pass, train mode; weights outside the mask are put back after each step",
        deviations="the gradient is that of the mean over samples, at the network before (source: summed over batches,"
        " with a step after each); y' is never the right class (source: any class); as many epochs as the budget"
        " buys (source: 10)",
    )
    phases = ("forget", "retain")

    def __init__(
        self,
        *,
        fraction: float = 0.5,
        lr: float = 0.013,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        batch_norm: BatchNorm = "train",
        max_epochs: int | None = None,
    ) -> None:
        if max_epochs is not None and max_epochs < 1:
            raise ValueError(f"max_epochs must be at least 1 or null, got {max_epochs}")
        super().__init__(optimizer=None, max_epochs=None if max_epochs is None else 1 + max_epochs)
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], got {fraction}")
        self.fraction = fraction
        self.settings = Sgd(lr, momentum, weight_decay)
        self.batch_norm = batch_norm

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return the forget set alone for the mask, then both sets."""
        return ("forget",) if epoch == 0 else self.phases

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says, and start with no gradient."""
        self._train_mode()
        settings = self.settings
        self.weights: list[nn.Parameter] = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.before = [weight.detach().clone() for weight in self.weights]
        self.gradient = [torch.zeros_like(weight) for weight in self.weights]
        self.optimizer = torch.optim.SGD(
            self.weights, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
        )

    def on_train_epoch_start(self) -> None:
        """Look at the gradient in eval mode; make the mask of it before the first epoch of training."""
        if self.current_epoch == 0:
            self.network.eval()
        else:
            self._train_mode()
        if self.current_epoch == 1:
            self.masks = self._largest()

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add to the gradient for the mask, or take a step with the masked weights."""
        if self.current_epoch == 0:
            self._look(forget_side(batch))
            return
        loss = self.loss(retain_side(batch)) if batch.phase == "retain" else self._wrong(forget_side(batch))
        self.optimizer.zero_grad()
        self.manual_backward(loss)
        self.optimizer.step()
        with torch.no_grad():
            for weight, mask, before in zip(self.weights, self.masks, self.before, strict=True):
                weight.copy_(torch.where(mask, weight, before))

    def _train_mode(self) -> None:
        self.network.train()
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)

    def _look(self, side: Batch) -> None:
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.weights)
        for total, gradient in zip(self.gradient, gradients, strict=True):
            total.add_(gradient, alpha=len(side.target))

    def _largest(self) -> list[Tensor]:
        """Return, for each weight tensor, where its gradient is among the largest of all."""
        sizes = torch.cat([gradient.abs().flatten() for gradient in self.gradient])
        count = max(1, round(self.fraction * len(sizes)))
        mask = torch.zeros(len(sizes), dtype=torch.bool, device=sizes.device)
        mask[sizes.argsort(descending=True, stable=True)[:count]] = True
        parts = torch.split(mask, [weight.numel() for weight in self.weights])
        return [part.view_as(weight) for part, weight in zip(parts, self.weights, strict=True)]

    def _wrong(self, side: Batch) -> Tensor:
        """Return the cross-entropy with wrong labels."""
        logits = self.network(side.inputs).float()
        classes = logits.shape[1]
        shift = torch.randint(1, classes, side.target.shape, generator=self.generator, device=logits.device)
        return F.cross_entropy(logits, (side.target + shift) % classes)
