"""Gradient descent on the retain set."""

from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, retain_side


class GD(Unlearner):
    """Keeps training on the retain set; the forget set is never read.

    Args:
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="gd",
        title="GD (fine-tuning)",
        paper="Neel, Roth, Sharifi-Malvajerdi, Descent-to-Delete, ALT 2021",
        formula="w <- w - lr * grad CE(retain)",
        source="Unlearn-Sparse FT (lr .01); momentum and weight decay of the training recipe",
        deviations="momentum without Nesterov's form, whatever the recipe has",
    )
    phases = ("retain",)

    def __init__(
        self,
        *,
        lr: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the cross-entropy of the retain batch."""
        return self.loss(retain_side(batch))
