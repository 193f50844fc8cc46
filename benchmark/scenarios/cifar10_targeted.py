"""Targeted poisons on CIFAR-10: gradient matching, four targets in one training set."""

from benchmark.families import paper, small
from benchmark.scenario import Option
from datamodules import ForgetPolicy

NAME = "gradient-matching"
SMALL: dict[str, Option] = {
    "count": 100,
    "pairs": 4,
    "eps": 16.0,
    "steps": 60,
    "restarts": 1,
    "num_surrogates": 1,
    "surrogate_epochs": 8,
    "adversarial_class": "random",
    "bases": "low-confidence",
}
"""Crafted in about a minute on one core."""

PAPER: dict[str, Option] = {
    "pairs": 1,
    "eps": 16.0,
    "steps": 250,
    "restarts": 8,
    "adversarial_class": "random",
}
"""Steps, restarts and bound of Geiping et al. 2021."""

SCENARIOS = [
    small("cifar10-gradient-matching-cnn-v1", NAME, SMALL, suite="mini"),
    small("cifar10-gradient-matching-cnn-v1.runner-up", NAME, SMALL | {"adversarial_class": "runner-up"}),
    small("cifar10-gradient-matching-cnn-v1.restarts8", NAME, SMALL | {"steps": 250, "restarts": 8}),
    small("cifar10-gradient-matching-cnn-v1.identified50", NAME, SMALL, forget=ForgetPolicy(identified=0.5)),
    *paper(NAME, PAPER),
]
