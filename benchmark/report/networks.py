"""Losses and features of networks in the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.report.material import Material
from benchmark.report.roc import FloatArray
from benchmark.scenario import Scenario
from benchmark.scenarios import all_scenarios
from benchmark.stages.craft import CraftConfig, load_data
from benchmark.tensors import load_weights
from datamodules import Batch, ImageCorpus, PoisoningDataModule, SampleSet
from leaderboard import Entry, SeedResult
from lightning_modules import build_network
from lightning_modules.losses import log_probabilities

BATCH = 512


@dataclass(frozen=True)
class Site:
    """One seed of a scenario of images, as it was crafted.

    Attributes:
        scenario: the scenario.
        data: its data, with the audit secrets.
    """

    scenario: Scenario
    data: PoisoningDataModule

    def network(self, weights: Path) -> nn.Module:
        """Return a network of this scenario in eval mode."""
        return load_weights(build_network(self.scenario.network_spec(self.data.corpus), 0), weights).eval()


def image_scenario(entry: Entry) -> Scenario | None:
    """Return the scenario of an entry, or None where it holds no images or is not one of this checkout."""
    return all_scenarios().get(entry.scenario) if entry.modality == "image" else None


def open_site(material: Material, entry: Entry, seed: SeedResult) -> Site | None:
    """Return the data of a seed, or None where its crafted poison is not in the store or is of other data."""
    scenario = image_scenario(entry)
    crafted = material.artifact("craft", seed.addresses.get("craft"))
    if scenario is None or crafted is None:
        return None
    config = CraftConfig(scenario.corpus, scenario.poison, scenario.forget, seed.seed)
    try:
        data = load_data(config, crafted.folder, with_secrets=True)
    except (RuntimeError, OSError):
        return None
    return Site(scenario, data) if isinstance(data.corpus, ImageCorpus) else None


@torch.inference_mode()
def losses(network: nn.Module, samples: SampleSet) -> FloatArray:
    """Return the loss ``(N,)`` of every sample in nats."""
    parts = [-log_probabilities(network, batch).double() for batch in _batches(samples)]
    return np.asarray(torch.cat(parts).numpy())


@torch.inference_mode()
def losses_of(network: nn.Module, images: Tensor, target: Tensor) -> FloatArray:
    """Return the loss ``(N,)`` in nats of images ``(N, C, H, W)`` in normalised space with labels ``(N,)``."""
    parts = [
        nn.functional.cross_entropy(network(some).double(), labels, reduction="none")
        for some, labels in zip(torch.split(images, BATCH), torch.split(target, BATCH), strict=True)
    ]
    return np.asarray(torch.cat(parts).numpy())


@torch.inference_mode()
def features(network: nn.Module, samples: SampleSet) -> FloatArray:
    """Return what the network's last linear layer is fed, ``(N, D)`` float64.

    Raises:
        ValueError: if the network has no linear layer.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise ValueError(f"network must have a linear layer, {type(network).__name__} has none")
    found: list[Tensor] = []
    handle = layers[-1].register_forward_pre_hook(lambda _, inputs: found.append(inputs[0].double()))
    try:
        for batch in _batches(samples):
            network(batch.inputs)
    finally:
        handle.remove()
    return np.asarray(torch.cat(found).numpy())


def _batches(samples: SampleSet) -> Iterator[Batch]:
    for rows in torch.split(torch.arange(len(samples)), BATCH):
        yield samples.batch(rows)
