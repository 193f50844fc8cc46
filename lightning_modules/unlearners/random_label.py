"""Random labels: the forget set is trained on wrong answers, the retain set on its own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules import UnlearnBatch
from lightning_modules.networks import freeze_running_statistics
from lightning_modules.recipe import Schedule
from lightning_modules.unlearner import BatchNorm, MethodCard, Sgd, Unlearner, forget_side, retain_side


class RandomLabel(Unlearner):
    """Each epoch is a pass over the forget set with wrong labels, drawn anew, and a pass over the retain set.

    Args:
        lr: learning rate, positive.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 penalty, at least 0.
        lr_schedule: ``constant``, or ``linear``, ``cosine`` or ``one-cycle`` over the steps the budget buys.
        batch_norm: ``train`` as in the source, or ``frozen``: forget batches then leave the running statistics alone.
        max_epochs: epochs after which it stops, or None for the whole budget.
    """

    card = MethodCard(
        name="random_label",
        title="Random labels",
        paper="Golatkar, Achille, Soatto, Eternal Sunshine of the Spotless Net, CVPR 2020;"
        " Graves, Nagisetty, Ganesh, Amnesiac Machine Learning, AAAI 2021",
        formula="w <- w - lr * grad CE(forget, y'), y' uniform over the wrong classes; w <- w - lr * grad L(retain)",
        source="Unlearn-Saliency RL: lr .013, momentum .9, weight decay 5e-4, a forget pass before each retain pass,"
        " labels drawn anew at each visit, train mode",
        deviations="y' is never the right class (source: any class); as many epochs as the budget buys (source: 10);"
        " language models: CE over the label words on the forget set",
    )
    phases = ("forget", "retain")

    def __init__(
        self,
        *,
        lr: float = 0.013,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: Schedule = "constant",
        batch_norm: BatchNorm = "train",
        max_epochs: int | None = None,
    ) -> None:
        super().__init__(Sgd(lr, momentum, weight_decay, lr_schedule), max_epochs)
        self.batch_norm = batch_norm

    def setup(self, stage: str | None = None) -> None:
        """Put the network in train mode, but for what ``batch_norm`` says."""
        super().setup(stage)
        if self.batch_norm == "frozen":
            freeze_running_statistics(self.network)

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the loss of the retain batch, or the cross-entropy of the forget batch with wrong labels."""
        if batch.phase == "retain":
            return self.loss(retain_side(batch))
        side = forget_side(batch)
        logits = self.network(side.inputs).float()
        classes = logits.shape[1]
        shift = torch.randint(1, classes, side.target.shape, generator=self.generator, device=logits.device)
        return F.cross_entropy(logits, (side.target + shift) % classes)
