"""TensorBoard runs, rendered from results: a pure function of what training, unlearning and scoring left behind."""

from callbacks.tensorboard.views import (
    CraftingCurves,
    PoisonImages,
    PoisonTexts,
    Probe,
    Scored,
    SeedView,
    TrainingRun,
    UnlearningRun,
    run_name,
)
from callbacks.tensorboard.write import write_training, write_unlearning

__all__ = [
    "CraftingCurves",
    "PoisonImages",
    "PoisonTexts",
    "Probe",
    "Scored",
    "SeedView",
    "TrainingRun",
    "UnlearningRun",
    "run_name",
    "write_training",
    "write_unlearning",
]
