"""Scenarios on CIFAR-10."""

from benchmark.scenario import CorpusSpec, PoisonSpec, Scenario
from lightning_modules import Recipe

SCENARIOS = [
    Scenario(
        name="cifar10-gaussian-cnn-v1",
        suite="mini",
        modality="image",
        corpus=CorpusSpec("cifar10", train_size=5000, selection_size=2000),
        poison=PoisonSpec("gaussian", {"count": 125, "variance": 0.32}),
        network="small-cnn",
        recipe=Recipe(epochs=20),
        budgets=(0.1,),
        seeds=(0, 1, 2, 3, 4),
    ),
    *(
        Scenario(
            name=f"cifar10-gaussian-resnet18-v1.p{count}",
            suite="paper",
            modality="image",
            corpus=CorpusSpec("cifar10", selection_size=2000),
            poison=PoisonSpec("gaussian", {"count": count, "variance": 0.32}),
            network="resnet18-cifar",
            recipe=Recipe(epochs=100),
            budgets=(0.02, 0.04, 0.06, 0.08, 0.1),
            seeds=tuple(range(8)),
            snapshots=0,
        )
        for count in (750, 1000, 1250)
    ),
]
