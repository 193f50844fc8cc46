"""CT: transposed kernels, then fine-tuning on the retain set."""

import torch
from torch import Tensor, nn

from datamodules import UnlearnBatch
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, retain_side


class CT(Unlearner):
    """Swaps height and width of every convolution's kernels and repairs on the retain set; reads no forget sample.

    A network without square kernels is only fine-tuned.

    Args:
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="ct",
        title="CT (transposed kernels)",
        paper="fifth of the NeurIPS 2023 unlearning challenge; named CT by Cadet, Borovykh, Malekzadeh, Ahmadi-Abhari,"
        " Haddadi, Deep Unlearn, 2024",
        formula="w_conv <- transposed kernels; w <- w - lr * grad L(retain)",
        source="deepunlearn: lr .001, momentum .9, weight decay 5e-4, cosine",
        deviations="as many epochs as the budget buys (source: 3); the cosine falls per step (source: per epoch);"
        " kernels that are not square stay",
    )
    modalities = ("image",)
    phases = ("retain",)

    def __init__(
        self,
        *,
        lr: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "cosine",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)

    def setup(self, stage: str | None = None) -> None:
        """Transpose the kernels of every convolution that trains."""
        super().setup(stage)
        with torch.no_grad():
            for module in self.network.modules():
                if isinstance(module, nn.Conv2d) and module.weight.requires_grad:
                    height, width = module.weight.shape[2:]
                    if height == width:
                        module.weight.copy_(module.weight.transpose(2, 3).clone())

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the loss of the retain batch."""
        return self.loss(retain_side(batch))
