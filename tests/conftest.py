"""What holds for every test: one thread, so that sums have one order, and no chatter from Lightning."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torch import Tensor, nn

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero"):
    logging.getLogger(name).setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def oracle_network() -> "Callable[[Mapping[str, Tensor]], nn.Module]":
    """Builds the network of tests/oracles/README.md with the weights that a file names ``before.*``."""
    from torch import nn  # noqa: PLC0415 - only after the number of threads is set

    def build(tensors: "Mapping[str, Tensor]") -> "nn.Module":
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3, 1, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, 2, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, 10),
        )
        prefix = "before."
        network.load_state_dict(
            {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        )
        return network

    return build
