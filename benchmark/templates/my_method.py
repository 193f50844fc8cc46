"""My method: raise the loss where the network shall forget, keep it low elsewhere."""

from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules import MethodCard, Sgd, Unlearner, forget_side, retain_side


class MyMethod(Unlearner):
    """Descends on a retain batch and ascends on a forget batch in one step.

    Args:
        lr: learning rate, positive.
        alpha: weight of the forget batch, at least 0.
    """

    card = MethodCard(
        name="my_method",  # of the row: lower-case letters, digits, _
        title="My method",  # what tables print
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad (CE(retain) - alpha * CE(forget))",
        source="this file",  # what it was checked against
    )
    phases = ("paired",)  # what an epoch reads: retain, forget, paired (a batch of each) or mixed

    # Settings are keyword arguments with scalar defaults; each must change the result.
    def __init__(self, *, lr: float = 1e-3, alpha: float = 0.1) -> None:
        super().__init__(Sgd(lr, momentum=0.9))  # with max_epochs=... it stops before its budget is spent
        if alpha < 0:
            raise ValueError(f"alpha must be at least 0, got {alpha}")
        self.alpha = alpha

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the loss to be minimised."""
        # self.network is a copy of the poisoned network; draw randomness from self.generator only.
        retain, forget = self.loss(retain_side(batch)), self.loss(forget_side(batch))
        return retain - self.alpha * forget
