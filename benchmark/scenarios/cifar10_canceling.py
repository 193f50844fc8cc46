"""Gradient Canceling on CIFAR-10, each variant beside its control: the same perturbations, shuffled over the pixels."""

from collections.abc import Mapping

from benchmark.families import paper, small
from benchmark.scenario import Option, Scenario

NAME = "gradient-canceling"
LAST_LAYER: dict[str, Option] = {
    "count": 500,
    "layer": "17",
    "target_norm": 0.4,
    "shrink": 0.6,
    "steps": 60,
}
"""One poison is added to every ten samples; the gradient of the small network's linear head is canceled."""

ALL_LAYERS = LAST_LAYER | {"layer": "all", "shrink": 1.0}
PAPER: dict[str, Option] = {"layer": "fc", "target_norm": 1.0, "steps": 250}


def pair(variant: str, options: Mapping[str, Option]) -> list[Scenario]:
    """Return the attack and its control."""
    name, control = (
        f"cifar10-gradient-canceling-cnn-v1.{variant}",
        f"cifar10-gradient-canceling-cnn-v1.{variant}-shuffled",
    )
    return [small(name, NAME, options, control=control), small(control, NAME, dict(options) | {"shuffled": True})]


SCENARIOS = [
    *pair("clipped", LAST_LAYER),
    *pair("unclipped", LAST_LAYER | {"clip": False}),
    *pair("all-layers", ALL_LAYERS),
    *paper(NAME, PAPER, variant="clipped", control="clipped-shuffled"),
    *paper(NAME, PAPER | {"shuffled": True}, variant="clipped-shuffled"),
]
