"""Networks, the training module, and the unlearners."""

from lightning_modules.losses import (
    HasSequenceLogProbs,
    kl_from_teacher,
    log_probabilities,
    mean_log_probabilities,
    training_loss,
)
from lightning_modules.networks import (
    NetworkSpec,
    build_network,
    freeze_except,
    fresh_copy,
    frozen_copy,
    last_layers,
    weight_layers,
)
from lightning_modules.recipe import Recipe, lr_factor, resolve_precision
from lightning_modules.training import TrainingModule
from lightning_modules.unlearn_data import PhaseLoader, UnlearnData, plan_steps
from lightning_modules.unlearner import (
    MethodCard,
    Plan,
    Sgd,
    Unlearner,
    VisitCost,
    forget_side,
    retain_side,
)
from lightning_modules.unlearners import UNLEARNERS

__all__ = [
    "UNLEARNERS",
    "HasSequenceLogProbs",
    "MethodCard",
    "NetworkSpec",
    "PhaseLoader",
    "Plan",
    "Recipe",
    "Sgd",
    "TrainingModule",
    "UnlearnData",
    "Unlearner",
    "VisitCost",
    "build_network",
    "forget_side",
    "freeze_except",
    "fresh_copy",
    "frozen_copy",
    "kl_from_teacher",
    "last_layers",
    "log_probabilities",
    "lr_factor",
    "mean_log_probabilities",
    "plan_steps",
    "resolve_precision",
    "retain_side",
    "training_loss",
    "weight_layers",
]
