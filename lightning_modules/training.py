"""The one module that trains both the poisoned model and the retrain baseline."""

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from datamodules import Batch
from lightning_modules.losses import training_loss
from lightning_modules.recipe import Recipe, Schedule, lr_factor


class TrainingModule(L.LightningModule):
    """Trains a network by a recipe.

    Args:
        network: maps inputs to ``(N, num_classes)`` logits; it is trained in place.
        recipe: optimizer and schedule.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits ``(N, num_classes)`` of a batch."""
        logits: Tensor = self.network(batch.inputs)
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the training loss."""
        return training_loss(self.network, batch)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the recipe's optimizer over every parameter that trains, with its schedule per step."""
        parameters = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        steps = int(self.trainer.estimated_stepping_batches)
        if self.recipe.optimizer == "adamw":
            return scheduled(adamw(parameters, self.recipe), self.recipe.schedule, steps)
        return sgd(
            parameters,
            lr=self.recipe.lr,
            momentum=self.recipe.momentum,
            nesterov=self.recipe.nesterov,
            weight_decay=self.recipe.weight_decay,
            schedule=self.recipe.schedule,
            steps=steps,
        )


def sgd(
    parameters: list[nn.Parameter],
    *,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    schedule: Schedule,
    steps: int,
) -> OptimizerLRScheduler:
    """Return SGD with a learning-rate schedule over ``steps``, as Lightning takes it."""
    optimizer = torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0, weight_decay=weight_decay
    )
    return scheduled(optimizer, schedule, steps)


def adamw(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW; weight decay is on matrices, embeddings included, not on biases and normalisation.

    Source: Loshchilov and Hutter 2019; betas and epsilon are torch's own.
    """
    groups = [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=recipe.lr, betas=(0.9, 0.999))


def scheduled(optimizer: torch.optim.Optimizer, schedule: Schedule, steps: int) -> OptimizerLRScheduler:
    """Return ``optimizer`` with a learning-rate schedule over ``steps``, as Lightning takes it."""
    if schedule == "constant":
        return {"optimizer": optimizer}
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: lr_factor(schedule, step, steps))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
