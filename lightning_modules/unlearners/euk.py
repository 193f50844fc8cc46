"""Exact unlearning of the last k layers."""

from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.networks import freeze_except, fresh_copy, last_layers
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, retain_side


class EUk(Unlearner):
    """Draws the last k layers anew and trains only them on the retain set; the others stay frozen, buffers included.

    Args:
        k: number of weight layers from the output, at least 1.
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="euk",
        title="EU-k",
        paper="Goel, Prabhu, Sanyal, Lim, Torr, Kumaraguru,"
        " Towards Adversarial Evaluations for Inexact Unlearning, 2022",
        formula="re-initialise the last k layers, freeze the rest, w_k <- w_k - lr * grad CE(retain)",
        source="k counts convolutional and linear layers from the output; lr .01 as in the SCRUB code",
        deviations="frozen batch normalisation is in eval mode, so that its running statistics stay",
    )
    phases = ("retain",)

    def __init__(
        self,
        *,
        k: int = 2,
        lr: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        self.k = k

    def setup(self, stage: str | None = None) -> None:
        """Re-initialise and free the last k layers, freeze the others."""
        layers = last_layers(self.network, self.k)
        fresh = dict(fresh_copy(self.network, self.seed).named_modules())
        for name in layers:
            own = dict(fresh[name].named_parameters(recurse=False)) | dict(fresh[name].named_buffers(recurse=False))
            self.network.get_submodule(name).load_state_dict(own, strict=False)
        freeze_except(self.network, layers)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the cross-entropy of the retain batch."""
        return self.loss(retain_side(batch))
