"""NegGrad+: descent on the retain set and ascent on the forget set in one step."""

from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, forget_side, retain_side


class NegGradPlus(Unlearner):
    """Each step descends on a retain batch and ascends on a forget batch, in two forward passes.

    Args:
        alpha: weight of the retain term, in [0, 1]; the forget term gets 1 - alpha.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        batch_norm: ``train`` as in the source, or ``frozen``: forget batches then leave the running statistics alone.
        max_epochs: passes over the retain set after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="neggradplus",
        title="NegGrad+",
        paper="Kurmanji, Triantafillou, Hayes, Triantafillou, Towards Unbounded Machine Unlearning, NeurIPS 2023",
        formula="w <- w - lr * grad [alpha * CE(retain) - (1 - alpha) * CE(forget)]",
        source="SCRUB code, training library: alpha .95, lr .01; retain pass first, forget batches start over",
        deviations="momentum .9 and weight decay 5e-4, as in training; note that in train mode the forget batches also"
        " re-estimate the running statistics of batch normalisation",
    )
    phases = ("paired",)

    def __init__(
        self,
        *,
        alpha: float = 0.95,
        lr: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "train",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        self.batch_norm = batch_norm
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha must be in [0, 1], got {alpha}")
        self.alpha = alpha

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return alpha * CE(retain) - (1 - alpha) * CE(forget)."""
        retain = self.loss(retain_side(batch))
        forget = self.loss(forget_side(batch))
        return self.alpha * retain - (1 - self.alpha) * forget
