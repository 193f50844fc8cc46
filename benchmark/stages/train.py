"""Train: fresh weights and a training set make the poisoned model or the retrain baseline."""

import contextlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch

from benchmark.stages.craft import CraftConfig, load_data
from benchmark.stages.trainers import make_trainer, seed_all
from benchmark.tensors import all_finite, save_tensors
from callbacks import HistoryCallback, Ledger
from datamodules import SampleSet, derive_seed
from datamodules.augmentation import build_augmentation
from datamodules.loaders import BatchLoader
from lightning_modules import NetworkSpec, Recipe, TrainingModule, build_network, resolve_precision

TrainOn = Literal["poisoned", "retain", "clean"]
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True)
class TrainConfig:
    """What determines a trained network, next to the fingerprint of its training set.

    Attributes:
        network: what is trained, always from fresh weights.
        recipe: how, with its precision resolved.
        seed: of first weights and of the order of samples.
        max_steps: stop after so many steps, or None for the whole recipe.
    """

    network: NetworkSpec
    recipe: Recipe
    seed: int
    max_steps: int | None = None


def train(
    config: TrainConfig,
    craft: CraftConfig,
    craft_folder: Path | None,
    train_on: TrainOn,
    folder: Path,
) -> Mapping[str, Any]:
    """Train on a set; write weights and history, return what it cost.

    Args:
        config: network, recipe and seed.
        craft: the experiment.
        craft_folder: its crafted poison, or None to train on the clean training split.
        train_on: the poisoned set, the retain set, or the clean training split.
        folder: where the artifact is written.
    """
    seed_all("train", config.seed)
    samples = _training_set(craft, craft_folder, train_on)
    network = build_network(config.network, derive_seed("weights", config.seed))
    module = TrainingModule(network, config.recipe)
    ledger = Ledger()
    ledger.watch(network)
    history = HistoryCallback()
    fit(module, samples, config, history, ledger)
    weights = network.state_dict()
    save_tensors(weights, folder / WEIGHTS_FILE)
    (folder / "history.json").write_text(json.dumps(history.epochs))
    return {
        "forward_passes": ledger.forward_passes,
        "backward_passes": ledger.backward_passes,
        "passes": ledger.passes,
        "wall_clock_s": ledger.wall_clock_s,
        "device": device_name(),
        "finite": all_finite(weights),
    }


def _training_set(craft: CraftConfig, craft_folder: Path | None, train_on: TrainOn) -> SampleSet:
    if craft_folder is None or train_on == "clean":
        return craft.corpus.load().samples("train")
    data = load_data(craft, craft_folder)
    return data.train_set if train_on == "poisoned" else data.retain_set


def fit(
    module: TrainingModule, samples: SampleSet, config: TrainConfig, history: HistoryCallback, ledger: Ledger
) -> None:
    """Run the Trainer over ``samples``."""
    recipe = config.recipe
    trainer = make_trainer(
        [history],
        precision=resolve_precision(recipe.precision, device_type()),
        max_epochs=recipe.epochs,
        max_steps=-1 if config.max_steps is None else config.max_steps,
    )
    device = trainer.strategy.root_device
    loader = BatchLoader(
        samples.to(device),
        recipe.batch_size,
        seed=derive_seed("order", config.seed),
        augment=build_augmentation(recipe.augmentation),
    )
    with ledger.running(device):
        trainer.fit(module, train_dataloaders=loader)


def device_type() -> Literal["cpu", "cuda"]:
    """Return the kind of device that stages compute on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name() -> str:
    """Return the name of the device that stages compute on."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU: {_processor()}"


@cache
def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
