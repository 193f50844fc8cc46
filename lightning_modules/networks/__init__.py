"""Networks: modules that map inputs to ``(N, num_classes)`` logits."""

from lightning_modules.networks.build import NetworkSpec, build_network, fresh_copy
from lightning_modules.networks.cnn import SmallCNN
from lightning_modules.networks.layers import (
    freeze_except,
    freeze_running_statistics,
    frozen_copy,
    last_layers,
    weight_layers,
)

__all__ = [
    "NetworkSpec",
    "SmallCNN",
    "build_network",
    "freeze_except",
    "freeze_running_statistics",
    "fresh_copy",
    "frozen_copy",
    "last_layers",
    "weight_layers",
]
