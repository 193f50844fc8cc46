"""What goes into the folder that a submission reads: weights, two sample sets, settings. No craft folder, no secret."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.stages.train import WEIGHTS_FILE
from benchmark.stages.unlearn import UnlearnConfig
from benchmark.tensors import load_tensors, save_tensors
from datamodules import ImageStore, SampleSet, TextStore, Tokens
from datamodules.samples import InputStore
from lightning_modules import NetworkSpec

SAMPLES_FILE = "samples.safetensors"
CONFIG_FILE = "config.json"
IMAGES = ("pixels", "mean", "std", "replaced_rows", "replaced_values")


def write_request(folder: Path, config: UnlearnConfig, weights: Path, forget: SampleSet, retain: SampleSet) -> None:
    """Write what a method is given.

    Args:
        folder: where.
        config: network, settings and budget.
        weights: file of the poisoned network's weights; it is copied, never linked.
        forget: what was asked to be deleted.
        retain: what stays; of the same store.
    """
    (folder / CONFIG_FILE).write_text(json.dumps(asdict(config)))
    shutil.copyfile(weights, folder / WEIGHTS_FILE)
    write_samples(folder / SAMPLES_FILE, forget, retain)


def read_config(folder: Path) -> UnlearnConfig:
    """Return the settings that were written."""
    fields: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text())
    return UnlearnConfig(network=network_spec(fields.pop("network")), **fields)


def network_spec(fields: Mapping[str, Any]) -> NetworkSpec:
    """Return a network's specification from JSON data, which has no tuples."""
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in fields["options"].items()}
    return NetworkSpec(**dict(fields) | {"options": options})


def write_samples(path: Path, forget: SampleSet, retain: SampleSet) -> None:
    """Write two sets of one store as one safetensors file.

    Raises:
        ValueError: if they are of two stores.
    """
    if forget.store is not retain.store:
        raise ValueError("forget and retain must share their store, got two")
    sets = {
        "forget.index": forget.index,
        "forget.target": forget.target,
        "retain.index": retain.index,
        "retain.target": retain.target,
    }
    save_tensors(sets | _store_tensors(forget.store), path)


def read_samples(path: Path) -> tuple[SampleSet, SampleSet]:
    """Return forget set and retain set, as they were written."""
    tensors = load_tensors(path)
    store = _store_of(tensors)
    forget, retain = (
        SampleSet(store, tensors[f"{name}.index"], tensors[f"{name}.target"]) for name in ("forget", "retain")
    )
    return forget, retain


def _store_tensors(store: InputStore) -> dict[str, Tensor]:
    if isinstance(store, ImageStore):
        return {name: getattr(store, name) for name in IMAGES}
    if isinstance(store, TextStore):
        return {
            "ids": store.tokens.ids,
            "offsets": store.tokens.offsets,
            "pad": torch.tensor(store.pad),
            "noise_seed": store.noise_seed,
            "noise_std": store.noise_std,
            "noise_width": torch.tensor(store.noise_width),
        }
    raise TypeError(f"store must be an ImageStore or a TextStore, got {type(store).__name__}")


def _store_of(tensors: Mapping[str, Tensor]) -> InputStore:
    if "pixels" in tensors:
        return ImageStore(**{name: tensors[name] for name in IMAGES})
    return TextStore(
        Tokens(tensors["ids"], tensors["offsets"]),
        int(tensors["pad"]),
        tensors["noise_seed"],
        tensors["noise_std"],
        int(tensors["noise_width"]),
    )
