"""Wrong labels on CIFAR-10: two classes swapped, and any label for any other."""

from benchmark.scenario import CorpusSpec, PoisonSpec, Scenario
from lightning_modules import Recipe

CAR_TRUCK = (1, 9)
"""Here, where the network hardly tells cats from dogs: 500 swapped labels of theirs gave a confusion of .31."""

SCENARIOS = [
    *(
        Scenario(
            name=f"cifar10-{poison.name}-cnn-v1",
            suite="full",
            modality="image",
            corpus=CorpusSpec("cifar10", train_size=5000, selection_size=2000),
            poison=poison,
            network="small-cnn",
            recipe=Recipe(epochs=20),
            budgets=(0.1,),
            seeds=(0, 1, 2, 3, 4),
        )
        for poison in (
            PoisonSpec("label-swap", {"count": 800, "classes": CAR_TRUCK}),
            PoisonSpec("label-flip", {"count": 375}),
        )
    ),
    *(
        Scenario(
            name=f"cifar10-{poison}-resnet18-v1.p{count}",
            suite="paper",
            modality="image",
            corpus=CorpusSpec("cifar10", selection_size=2000),
            poison=PoisonSpec(poison, {"count": count}),
            network="resnet18-cifar",
            recipe=Recipe(epochs=100),
            budgets=(0.02, 0.04, 0.06, 0.08, 0.1),
            seeds=tuple(range(8)),
            snapshots=0,
        )
        for poison in ("label-swap", "label-flip")
        for count in (750, 1000, 1250)
    ),
]
