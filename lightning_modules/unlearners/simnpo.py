"""SimNPO: negative preference optimisation without a reference, by the length of the answer."""

import torch.nn.functional as F
from torch import Tensor

from datamodules import Phase, UnlearnBatch
from lightning_modules.losses import mean_log_probabilities
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, forget_side, retain_side


class SimNPO(Unlearner):
    """Lowers the probability of the answers of the forget set, the less the lower they are already.

    Args:
        beta: how soon the push fades, positive.
        delta: margin: the higher, the longer the push lasts.
        gamma: weight of the forget term, positive.
        alpha: weight of the retain term, at least 0; at 0 the retain set is never read.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        batch_norm: ``frozen``: forget batches leave the running statistics alone; or ``train``.
        max_epochs: passes over the retain set (without it: the forget set) after which it stops, or None for the
            whole budget.
    """

    card = MethodCard(
        name="simnpo",
        title="SimNPO",
        paper="Fan et al., Simplicity Prevails: Rethinking Negative Preference Optimization for LLM Unlearning, 2024",
        formula="w <- w - lr * grad [-gamma * (2/beta) * mean_forget log sigmoid(-(beta/|y|) * log p(y|x) - delta)"
        " + alpha * L(retain)]",
        source="open-unlearning SimNPO (beta 4.5, delta 0, gamma .125, alpha 1); classes: y is the class, |y| = 1",
        deviations="SGD at lr .01, the largest of five (1e-4 to 1e-2) that kept accuracy on a selection split of"
        " digits within a point, for noisy and for mislabelled forget sets (source: AdamW, 1e-5); one pass over the"
        " retain set while the forget batches start over (source: ten passes over the forget set); the running"
        " statistics of batch normalisation, which the source's networks lack, stay;"
        " delta is not multiplied by beta, as in the paper (source's code: multiplied; the same at 0)",
    )
    modalities = ("text",)
    phases = ("paired",)

    def __init__(
        self,
        *,
        beta: float = 4.5,
        delta: float = 0.0,
        gamma: float = 0.125,
        alpha: float = 1.0,
        lr: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "frozen",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        for name, value in (("beta", beta), ("gamma", gamma)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha}")
        self.beta = beta
        self.delta = delta
        self.gamma = gamma
        self.alpha = alpha
        self.batch_norm = batch_norm

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return paired batches, or the forget set alone where the retain term has no weight."""
        return super().schedule(epoch) if self.alpha else ("forget",)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return -gamma * (2 / beta) * log sigmoid(-beta * log p / length - delta) + alpha * L(retain)."""
        values = mean_log_probabilities(self.network, forget_side(batch))
        forget = -self.gamma * 2 / self.beta * F.logsigmoid(-self.beta * values - self.delta).mean()
        return forget + self.alpha * self.loss(retain_side(batch)) if self.alpha else forget
