"""Accuracy and loss on a named set."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

from callbacks.measurement import Measurement, Role
from datamodules import Batch


class Accuracy(Measurement):
    """Share of samples whose largest logit is at their label.

    Args:
        role: the set it is measured on.
        num_classes: number of classes.
    """

    name = "accuracy"
    higher_is_better = True
    bounds = (0.0, 1.0)
    reference = None

    def __init__(self, role: Role, num_classes: int) -> None:
        super().__init__(role)
        self.metric = MulticlassAccuracy(num_classes, average="micro", validate_args=False)

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Count the hits of one batch."""
        self.metric.update(logits, batch.target)

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        self.metric.reset()
        self.metric.to(device)

    def scalars(self) -> dict[str, float]:
        """Return ``accuracy/<set>``, in [0, 1]."""
        return {f"accuracy/{self.role}": float(self.metric.compute())}


class Loss(Measurement):
    """Mean cross-entropy in nats.

    Args:
        role: the set it is measured on.
    """

    name = "loss"
    higher_is_better = False
    bounds = (0.0, None)
    reference = None

    def __init__(self, role: Role) -> None:
        super().__init__(role)
        self.metric = MeanMetric(nan_strategy="disable")

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Add the losses of one batch."""
        self.metric.update(F.cross_entropy(logits, batch.target, reduction="none"))

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        self.metric.reset()
        self.metric.to(device)

    def scalars(self) -> dict[str, float]:
        """Return ``loss/<set>``, in nats."""
        return {f"loss/{self.role}": float(self.metric.compute())}
