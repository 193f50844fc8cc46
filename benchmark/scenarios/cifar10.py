"""Gaussian poison on CIFAR-10."""

from benchmark.families import paper, small

SCENARIOS = [
    small(
        "cifar10-gaussian-cnn-v1", "gaussian", {"count": 125, "variance": 0.32}, suite="mini", epochs=20, snapshots=3
    ),
    *paper("gaussian", {"variance": 0.32}),
]
