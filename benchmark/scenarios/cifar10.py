"""Gaussian poison on CIFAR-10; version 2 has the forget set of the backdoor in ``mini``, hence its retrain baseline."""

from benchmark.families import paper, small

SCENARIOS = [
    small("cifar10-gaussian-cnn-v1", "gaussian", {"count": 125, "variance": 0.32}, epochs=20, snapshots=3),
    small("cifar10-gaussian-cnn-v2", "gaussian", {"count": 375, "variance": 0.32}, suite="mini"),
    *paper("gaussian", {"variance": 0.32}),
]
