"""Wrong labels on CIFAR-10: two classes swapped, any label for any other, and those of human annotators."""

from benchmark.families import paper, small
from datamodules import ForgetPolicy

CAR_TRUCK = (1, 9)
"""In the small setting: its network hardly tells cats from dogs, so that swapping those hardly shows.

The 800 swapped images are four in five of the two classes: retraining is left with some two hundred of them.
"""

HALF = ForgetPolicy(identified=0.5)

SCENARIOS = [
    small("cifar10-label-swap-cnn-v1", "label-swap", {"count": 800, "classes": CAR_TRUCK}, suite="mini"),
    small(
        "cifar10-confident-flip-cnn-v1",
        "confident-label-flip",
        {"count": 375, "label": "least-likely", "surrogate_epochs": 8},
        suite="mini",
    ),
    small("cifar10-label-flip-cnn-v1", "label-flip", {"count": 375}),
    small("cifar10-label-flip-cnn-v1.identified50", "label-flip", {"count": 375}, forget=HALF),
    small("cifar10-human-labels-cnn-v1", "human-label-noise", {"count": 1500, "annotation": "worst"}),
    *paper("label-swap", {}),
    *paper("label-flip", {}),
    *paper("confident-label-flip", {}),
    *paper("human-label-noise", {}),
]
