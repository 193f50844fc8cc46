"""Sham: random noise on the poisoned weights, as large as a method's move."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.stages.train import WEIGHTS_FILE
from benchmark.tensors import all_finite, load_tensors, save_tensors
from datamodules import generator_for


@dataclass(frozen=True)
class ShamConfig:
    """What determines a sham, next to the two sets of weights."""

    seed: int


def sham(config: ShamConfig, poisoned: Path, moved: Path, folder: Path) -> Mapping[str, Any]:
    """Move each tensor of the poisoned network in a random direction, as far as the method moved it.

    Whatever of the effect this removes, a method of that size of move removes by mere disturbance. Integer buffers
    stay; running variances of batch normalisation are moved like the rest and kept non-negative.
    """
    before, after = load_tensors(poisoned), load_tensors(moved)
    generator = generator_for("sham", config.seed)
    result = {}
    for name, tensor in sorted(before.items()):
        if not tensor.is_floating_point():
            result[name] = tensor
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        distance = (after[name] - tensor).norm()
        moved_tensor = tensor + noise * (distance / noise.norm().clamp_min(1e-12))
        result[name] = moved_tensor.clamp_min(0) if name.endswith("running_var") else moved_tensor
    save_tensors(result, folder / WEIGHTS_FILE)
    return {"finite": all_finite(result)}
