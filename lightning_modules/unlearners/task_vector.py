"""Task vector: what fine-tuning on the forget set would add is taken away."""

import torch
from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, forget_side


class TaskVector(Unlearner):
    """Fine-tunes on the forget set and goes as many times that way back from where it began.

    Args:
        scale: how many times the vector is subtracted, positive.
        lr: learning rate of the fine-tuning, positive.
        momentum: of SGD, in [0, 1).
        max_epochs: passes over the forget set, or None for the whole budget.
    """

    card = MethodCard(
        name="task_vector",
        title="Task vector (negated)",
        paper="Ilharco, Ribeiro, Wortsman, Gururangan, Schmidt, Hajishirzi, Farhadi,"
        " Editing Models with Task Arithmetic, ICLR 2023",
        formula="w <- w_0 - scale * (w_finetuned on forget - w_0)",
        source="task_vectors, which sweeps the scale",
        deviations="scale 1, and SGD at lr .01 with momentum .9 for 5 passes, are ours; no weight decay, which would be"
        " negated too; running statistics of batch normalisation stay (source: state included)",
    )
    phases = ("forget",)

    def __init__(
        self, *, scale: float = 1.0, lr: float = 0.01, momentum: float = 0.9, max_epochs: int | None = 5
    ) -> None:
        super().__init__(Sgd(lr, momentum), max_epochs)
        if not scale > 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.scale = scale

    def setup(self, stage: str | None = None) -> None:
        """Keep the weights before; batch normalisation stays in eval mode."""
        super().setup(stage)
        freeze_running_statistics(self.network)
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.before = [weight.detach().clone() for weight in self.weights]

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the loss of the forget batch."""
        return self.loss(forget_side(batch))

    def on_train_end(self) -> None:
        """Negate what was learned."""
        with torch.no_grad():
            for weight, before in zip(self.weights, self.before, strict=True):
                weight.copy_(before - self.scale * (weight - before))
