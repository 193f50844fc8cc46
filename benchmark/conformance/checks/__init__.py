"""The checks, in the order in which they run: what costs nothing first."""

from benchmark.conformance.check import Check
from benchmark.conformance.checks import (
    bounds,
    declaration,
    hyperparameters,
    inputs,
    reading,
    repetition,
    running,
    secrets,
    weights,
)

_FILES = (declaration, running, weights, repetition, reading, hyperparameters, inputs, bounds, secrets)

CHECKS: tuple[Check, ...] = tuple(value for file in _FILES for value in vars(file).values() if isinstance(value, Check))
