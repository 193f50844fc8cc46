"""The two settings in which every attack on CIFAR-10 is run, so that they can be compared."""

from collections.abc import Mapping
from typing import Literal

from benchmark.scenario import CorpusSpec, Option, PoisonSpec, Scenario
from datamodules import ForgetPolicy
from lightning_modules import Recipe

PAPER_COUNTS = (750, 1000, 1250)
"""Poisons in 50,000 training images: 1.5, 2 and 2.5 % (Pawelczyk et al., ICLR 2025)."""


def small(
    name: str,
    poison: str,
    options: Mapping[str, Option],
    *,
    forget: ForgetPolicy | None = None,
    suite: Literal["mini", "full"] = "full",
    epochs: int = 12,
    snapshots: int = 0,
    control: str | None = None,
) -> Scenario:
    """Return a scenario that two CPU cores carry: 5,000 images, a small network, 5 seeds, budget 10 %."""
    return Scenario(
        name=name,
        suite=suite,
        modality="image",
        corpus=CorpusSpec("cifar10", train_size=5000, selection_size=2000),
        poison=PoisonSpec(poison, options),
        network="small-cnn",
        recipe=Recipe(epochs=epochs),
        budgets=(0.1,),
        seeds=(0, 1, 2, 3, 4),
        forget=forget or ForgetPolicy(),
        snapshots=snapshots,
        control=control,
    )


def paper(
    poison: str,
    options: Mapping[str, Option],
    *,
    variant: str = "",
    forget: ForgetPolicy | None = None,
    control: str | None = None,
) -> list[Scenario]:
    """Return the paper's setting, once for each number of poisons: 50,000 images, ResNet-18, 100 epochs, 8 seeds.

    ``variant`` comes last in the name, and ``control`` is the variant that is the control.

    Epochs, counts, budgets and seeds are the paper's. Optimizer, schedule and the absence of augmentation are ours: it
    does not state them. The selection split is the last 2,000 test images.
    """
    name = f"cifar10-{poison}-resnet18-v1"
    suffix = f".{variant}" if variant else ""
    return [
        Scenario(
            name=f"{name}.p{count}{suffix}",
            suite="paper",
            modality="image",
            corpus=CorpusSpec("cifar10", selection_size=2000),
            poison=PoisonSpec(poison, {"count": count} | dict(options)),
            network="resnet18-cifar",
            recipe=Recipe(epochs=100),
            budgets=(0.02, 0.04, 0.06, 0.08, 0.1),
            seeds=tuple(range(8)),
            snapshots=0,
            forget=forget or ForgetPolicy(),
            control=control and f"{name}.p{count}.{control}",
        )
        for count in PAPER_COUNTS
    ]
