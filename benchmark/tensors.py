"""Tensors on disk: safetensors only, never pickle."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors; copies are made where they share storage."""
    save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors onto the CPU."""
    return load_file(path)


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """Load a network's weights in place and return it."""
    network.load_state_dict(load_tensors(path))
    return network


def all_finite(tensors: Mapping[str, Tensor]) -> bool:
    """Whether every floating-point number is finite."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values() if tensor.is_floating_point())
