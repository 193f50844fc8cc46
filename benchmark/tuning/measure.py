"""What a defender can measure of a network: the stage of a trial, which reads no audit secret and no test split."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmark.address import plain
from benchmark.calls import Call, Work
from benchmark.code import plugin_code, stage_code
from benchmark.stages.craft import CraftConfig, load_data
from benchmark.stages.train import WEIGHTS_FILE, device_type
from benchmark.store import Artifact
from benchmark.tensors import all_finite, load_tensors
from benchmark.tuning.criterion import LOSS_CAP, Visible
from datamodules import BatchLoader, PoisoningDataModule
from datamodules.loaders import evaluation_batch_size
from lightning_modules import NetworkSpec, build_network
from lightning_modules.losses import log_probabilities

STAGE = "tune"


class _Code:
    """Stands for this file in the addresses of what it measures."""


def trained_call(model: Artifact, network: NetworkSpec, crafted: Artifact, craft: CraftConfig) -> Call:
    """Return the call that measures a trained network."""
    work = partial(measure_file, network, craft, crafted.folder, model.file(WEIGHTS_FILE))
    return _call({"model": model.address}, work, network, crafted)


def trial_call(unlearning: Call, network: NetworkSpec, crafted: Artifact, craft: CraftConfig) -> Call:
    """Return the call that runs an unlearning and measures what comes out; its weights are not kept."""
    work = partial(try_out, unlearning.work, network, craft, crafted.folder)
    told = {"unlearning": unlearning.description, "poisoned": unlearning.description["poisoned"]}
    return _call(told, work, network, crafted)


def _call(of: Mapping[str, Any], work: Work, network: NetworkSpec, crafted: Artifact) -> Call:
    told = {
        "stage": STAGE,
        "code": [plugin_code(_Code), stage_code("unlearn")],
        "network": plain(network),
        "crafted": crafted.address,
        "loss_cap": LOSS_CAP,
        "device": device_type(),
    }
    return Call(STAGE, told | plain(of), work)


def try_out(
    unlearn: Work, network: NetworkSpec, craft: CraftConfig, craft_folder: Path, folder: Path
) -> dict[str, Any]:
    """Run an unlearning in ``folder``, measure its weights, and remove them."""
    unlearn(folder)
    result = measure_file(network, craft, craft_folder, folder / WEIGHTS_FILE)
    for path in folder.glob("*.safetensors"):
        path.unlink()
    return result


def measure_file(
    network: NetworkSpec, craft: CraftConfig, craft_folder: Path, weights: Path, _: Path | None = None
) -> dict[str, Any]:
    """Return ``{"visible": ...}``, the fields of a :class:`Visible`, or None where the network diverged.

    Args:
        network: what the weights belong to.
        craft: the experiment.
        craft_folder: its crafted poison; the file of audit secrets in it is not read.
        weights: safetensors.
    """
    state = load_tensors(weights)
    if not all_finite(state):
        return {"visible": None}
    model = build_network(network, 0)
    model.load_state_dict(state)
    found = visible(model, load_data(craft, craft_folder))
    return {"visible": None if found is None else plain(found)}


def visible(network: nn.Module, data: PoisoningDataModule) -> Visible | None:
    """Measure a network in eval mode and float32, or return None where a loss is not finite."""
    device = torch.device(device_type())
    network.eval().to(device)
    size = evaluation_batch_size()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for batch in BatchLoader(data.forget_set.to(device), size):
            losses = -log_probabilities(network, batch)
            if not torch.isfinite(losses).all():
                return None
            loss += float(losses.clamp(max=LOSS_CAP).double().sum())
        for batch in BatchLoader(data.corpus.samples("selection").to(device), size):
            right += int((network(batch.inputs).argmax(dim=1) == batch.target).sum())
            count += len(batch.target)
    return Visible(loss / len(data.forget_set), right / count)


def read_visible(artifact: Artifact) -> Visible | None:
    """Return what was measured."""
    found = artifact.meta["visible"]
    return None if found is None else Visible(**found)
