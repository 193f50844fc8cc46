"""GradDiff: the loss on the forget set up, the loss on the retain set down."""

from torch import Tensor

from datamodules import Phase, UnlearnBatch
from lightning_modules.losses import mean_log_probabilities
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, forget_side, retain_side


class GradDiff(Unlearner):
    """Each step lowers the probability of the answers of a forget batch and descends on a retain batch.

    Args:
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
        name="graddiff",
        title="GradDiff (gradient difference)",
        paper="Liu, Liu, Stone, Continual Learning and Private Unlearning, CoLLAs 2022; Maini et al., TOFU, COLM 2024",
        formula="w <- w - lr * grad [gamma * mean_forget log p(y|x) / |y| + alpha * L(retain)]",
        source="open-unlearning GradDiff (gamma 1, alpha 1); classes: y is the class, |y| = 1",
        deviations="SGD at lr .0003, the largest of five (1e-4 to 1e-2) that kept accuracy on a selection split of"
        " digits within a point, for noisy and for mislabelled forget sets (source: AdamW, 1e-5); one pass over the"
        " retain set while the forget batches start over (source: ten passes over the forget set); the running"
        " statistics of batch normalisation, which the source's networks lack, stay;"
        " the mean over samples of means over an answer (source: the mean over all of a batch)",
    )
    modalities = ("text",)
    phases = ("paired",)

    def __init__(
        self,
        *,
        gamma: float = 1.0,
        alpha: float = 1.0,
        lr: float = 3e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "frozen",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        if not gamma > 0:
            raise ValueError(f"gamma must be positive, got {gamma}")
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha}")
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
        """Return gamma * log p(forget) / length + alpha * L(retain)."""
        forget = self.gamma * mean_log_probabilities(self.network, forget_side(batch)).mean()
        return forget + self.alpha * self.loss(retain_side(batch)) if self.alpha else forget
