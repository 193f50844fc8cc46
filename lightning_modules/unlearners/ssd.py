"""SSD: selective synaptic dampening, in one shot and without training."""

import torch
from torch import Tensor

from datamodules import Batch, UnlearnBatch, joined
from lightning_modules.unlearner import MethodCard, Unlearner


class SSD(Unlearner):
    """Shrinks the parameters that matter much more to the forget set than to the whole training set.

    The importance of a parameter over a set is the mean over its *batches* of the squared gradient of the batch's mean
    loss, in eval mode and full precision. It depends on the batch size, so both sets are cut alike.

    Args:
        alpha: a parameter is dampened where importance(forget) > alpha * importance(full); positive.
        lam: strength: it is multiplied by min(1, lam * importance(full) / importance(forget)); positive.
    """

    card = MethodCard(
        name="ssd",
        title="SSD",
        paper="Foster, Schoepf, Brintrup, Fast Machine Unlearning without Retraining, AAAI 2024",
        formula="w <- w * min(1, lam * I_full / I_forget) where I_forget > alpha * I_full",
        source="selective-synaptic-dampening: alpha 10, lam 1 (ResNet-18); full set = retain and forget together",
        deviations="where the budget does not buy a pass over the full set, its importances are estimated on"
        " the random batches that it does buy",
    )
    equal_batches = True
    phases = ("forget", "mixed")

    def __init__(self, *, alpha: float = 10.0, lam: float = 1.0) -> None:
        super().__init__(optimizer=None, max_epochs=1)
        for name, value in (("alpha", alpha), ("lam", lam)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.alpha = alpha
        self.lam = lam

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no importance."""
        self.network.eval()
        self.forget_importance = self._zeros()
        self.full_importance = self._zeros()
        self.batches = {"forget": 0, "mixed": 0}

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add the squared gradient of the batch to the importance of its set."""
        importance = self.forget_importance if batch.phase == "forget" else self.full_importance
        self._accumulate(importance, joined(batch))
        self.batches[batch.phase] += 1

    def on_train_end(self) -> None:
        """Dampen once."""
        if not self.batches["mixed"]:
            return
        with torch.no_grad():
            for name, parameter in self._trainable():
                forget = self.forget_importance[name] / self.batches["forget"]
                full = self.full_importance[name] / self.batches["mixed"]
                factor = (self.lam * full / forget).clamp(max=1)
                parameter.mul_(torch.where(forget > self.alpha * full, factor, torch.ones_like(factor)))

    def _accumulate(self, importance: dict[str, Tensor], batch: Batch) -> None:
        names, parameters = zip(*self._trainable(), strict=True)
        with torch.autocast(batch.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(batch), parameters)
        for name, gradient in zip(names, gradients, strict=True):
            importance[name] += gradient.square()

    def _zeros(self) -> dict[str, Tensor]:
        return {name: torch.zeros_like(parameter) for name, parameter in self._trainable()}

    def _trainable(self) -> list[tuple[str, Tensor]]:
        return [(name, value) for name, value in self.network.named_parameters() if value.requires_grad]
