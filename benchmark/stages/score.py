"""Score: measures a network; the only stage that reads audit secrets."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmark.stages.craft import CraftConfig, load_data
from benchmark.stages.trainers import make_trainer, seed_all
from benchmark.tensors import all_finite, load_tensors, save_tensors
from callbacks import EFFECTS, Accuracy, Effect, Loss, Measurement, ScoringModule
from datamodules import BatchLoader, PoisoningDataModule
from datamodules.loaders import evaluation_batch_size
from lightning_modules import NetworkSpec, build_network

RETAIN_SAMPLES = 1000
RETAIN_TEXTS = 300


@dataclass(frozen=True)
class ScoreConfig:
    """What determines a measurement, next to the weights and the crafted poison.

    Attributes:
        network: what the weights belong to.
        passes: network passes spent at each snapshot, in order.
    """

    network: NetworkSpec
    passes: tuple[float, ...] = ()


def score(
    config: ScoreConfig,
    craft: CraftConfig,
    craft_folder: Path,
    weights: Path,
    snapshots: Sequence[Path],
    folder: Path,
) -> Mapping[str, Any]:
    """Measure the network, and its snapshots on the smaller sets; write ``scores.json`` and ``arrays.safetensors``.

    Returns:
        ``final``: every scalar of the network, or None where it diverged; ``trajectory``:
        for each snapshot its ``passes`` and scalars (accuracy on the selection split, not on the test split).
    """
    seed_all("score")
    data = load_data(craft, craft_folder, with_secrets=True)
    effect = EFFECTS.get(data.poison.effect)(data.corpus, data.poisoning)
    network = build_network(config.network, 0)
    trajectory = []
    for passes, path in zip(config.passes, snapshots, strict=True):
        scalars = _measure_file(network, path, data, effect, with_test=False)
        if scalars is not None:
            trajectory.append({"passes": passes} | scalars)
    final = _measure_file(network, weights, data, effect, with_test=True)
    save_tensors({} if final is None else effect.arrays(), folder / "arrays.safetensors")
    result = {"final": final, "trajectory": trajectory}
    (folder / "scores.json").write_text(json.dumps(result, indent=1, sort_keys=True, allow_nan=False))
    return result


def _measure_file(
    network: nn.Module, weights: Path, data: PoisoningDataModule, effect: Effect, *, with_test: bool
) -> dict[str, float] | None:
    """Return every finite scalar of a network, or None where it diverged: weights, effect or a loss not finite."""
    state = load_tensors(weights)
    if not all_finite(state):
        return None
    network.load_state_dict(state)
    scalars = measure(network, data, effect, with_test=with_test)
    must = [name for name in scalars if name == effect.name or name.startswith("loss/")]  # accuracy hides NaN logits
    if not all(math.isfinite(scalars[name]) for name in must):
        return None
    return {name: value for name, value in scalars.items() if math.isfinite(value)}


def measure(network: nn.Module, data: PoisoningDataModule, effect: Effect, *, with_test: bool) -> dict[str, float]:
    """Return every scalar of a network, measured in float32 and eval mode, without augmentation."""
    network.eval()
    classes = data.corpus.num_classes
    shown = RETAIN_TEXTS if data.corpus.modality == "text" else RETAIN_SAMPLES
    retain = data.retain_set.subset(torch.arange(min(shown, len(data.retain_set))))
    size = evaluation_batch_size()
    loaders = {
        "forget": BatchLoader(data.forget_set, size),
        "retain": BatchLoader(retain, size),
        "selection": data.val_dataloader(),
    }
    measurements: list[Measurement] = [effect, Accuracy("selection", classes), Loss("forget"), Loss("retain")]
    measurements += [Accuracy("forget", classes), Accuracy("retain", classes)]
    audit = effect.audit_set()
    if audit is not None:
        loaders["audit"] = BatchLoader(audit, size)
    if with_test or audit is None:
        loaders["test"] = data.test_dataloader()
    if with_test:
        measurements += [Accuracy("test", classes), Loss("test")]
    trainer = make_trainer(measurements, precision="32-true")
    module = ScoringModule(network, list(loaders))
    trainer.test(module, dataloaders=list(loaders.values()), verbose=False)
    return {name: value for measurement in measurements for name, value in measurement.scalars().items()}
