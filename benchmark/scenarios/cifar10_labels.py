"""Wrong labels on CIFAR-10: two classes swapped, and any label for any other."""

from benchmark.families import paper, small

CAR_TRUCK = (1, 9)
"""In the small setting: its network hardly tells cats from dogs, so that swapping those hardly shows."""

SCENARIOS = [
    small("cifar10-label-swap-cnn-v1", "label-swap", {"count": 800, "classes": CAR_TRUCK}),
    small("cifar10-label-flip-cnn-v1", "label-flip", {"count": 375}),
    *paper("label-swap", {}),
    *paper("label-flip", {}),
]
