"""Scenarios on the digits that ship inside scikit-learn: no download, seconds on a CPU."""

from benchmark.scenario import CorpusSpec, PoisonSpec, Scenario
from lightning_modules import Recipe

SCENARIOS = [
    Scenario(
        name="digits-gaussian-cnn-v1",
        suite="smoke",
        modality="image",
        corpus=CorpusSpec("digits"),
        poison=PoisonSpec("gaussian", {"count": 60, "variance": 1.0}),
        network="small-cnn",
        network_options={"width": 16, "strides": (1, 1, 2, 1, 1)},
        recipe=Recipe(epochs=30, batch_size=64),
        budgets=(0.1,),
        seeds=(0, 1, 2),
    )
]
