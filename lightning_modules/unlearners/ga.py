"""Gradient ascent on the forget set."""

from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, forget_side


class GA(Unlearner):
    """Raises the loss on the forget set; the retain set is never read.

    Args:
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps taken.
        batch_norm: ``train`` as in the source, or ``frozen``: forget batches then leave the running statistics alone.
        max_epochs: passes over the forget set, or None for the whole budget (which destroys the network).
    """

    card = MethodCard(
        name="ga",
        title="GA (gradient ascent)",
        paper="Graves, Nagisetty, Ganesh, Amnesiac Machine Learning, AAAI 2021; Jang et al., ACL 2023",
        formula="w <- w + lr * grad CE(forget)",
        source="Unlearn-Sparse GA (lr 1e-4, 5 epochs, train mode)",
        deviations="momentum .9 and weight decay 5e-4, as in training; note that in train mode the forget batches also"
        " re-estimate the running statistics of batch normalisation, which can outweigh the ascent itself",
    )
    phases = ("forget",)

    def __init__(
        self,
        *,
        lr: float = 1e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "train",
        max_epochs: int | None = 5,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        self.batch_norm = batch_norm

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return minus the cross-entropy of the forget batch."""
        return -self.loss(forget_side(batch))
