"""Backdoors on CIFAR-10: a patch, a faint picture and faint stripes; complete and imperfect requests."""

from collections.abc import Mapping

from benchmark.scenario import CorpusSpec, Option, PoisonSpec, Scenario
from datamodules import ForgetPolicy
from lightning_modules import Recipe


def _full(name: str, poison: str, options: Mapping[str, Option], forget: ForgetPolicy | None = None) -> Scenario:
    return Scenario(
        name=name,
        suite="full",
        modality="image",
        corpus=CorpusSpec("cifar10", train_size=5000, selection_size=2000),
        poison=PoisonSpec(poison, options),
        network="small-cnn",
        recipe=Recipe(epochs=20),
        budgets=(0.1,),
        seeds=(0, 1, 2, 3, 4),
        forget=forget or ForgetPolicy(),
    )


SCENARIOS = [
    Scenario(
        name="cifar10-badnets-cnn-v1",
        suite="full",
        modality="image",
        corpus=CorpusSpec("cifar10", train_size=5000, selection_size=2000),
        poison=PoisonSpec("badnets", {"count": 375}),
        network="small-cnn",
        recipe=Recipe(epochs=20),
        budgets=(0.1,),
        seeds=(0, 1, 2, 3, 4),
    ),
    _full("cifar10-badnets-cnn-v1.identified50", "badnets", {"count": 375}, ForgetPolicy(identified=0.5)),
    _full("cifar10-badnets-cnn-v1.falsepositives100", "badnets", {"count": 375}, ForgetPolicy(false_positives=1.0)),
    _full("cifar10-badnets-cnn-v1.clean-label", "badnets", {"count": 250, "dirty_label": False}),
    _full("cifar10-blended-cnn-v1.dirty-label", "blended", {"count": 375, "alpha": 0.2}),
    _full("cifar10-blended-cnn-v1.clean-label", "blended", {"count": 250, "alpha": 0.2, "dirty_label": False}),
    _full("cifar10-sinusoid-cnn-v1.dirty-label", "sinusoid", {"count": 375, "dirty_label": True}),
    _full("cifar10-sinusoid-cnn-v1.clean-label", "sinusoid", {"count": 250, "dirty_label": False}),
    *(
        Scenario(
            name=f"cifar10-badnets-resnet18-v1.p{count}",
            suite="paper",
            modality="image",
            corpus=CorpusSpec("cifar10", selection_size=2000),
            poison=PoisonSpec("badnets", {"count": count}),
            network="resnet18-cifar",
            recipe=Recipe(epochs=100),
            budgets=(0.02, 0.04, 0.06, 0.08, 0.1),
            seeds=tuple(range(8)),
            snapshots=0,
        )
        for count in (750, 1000, 1250)
    ),
]
