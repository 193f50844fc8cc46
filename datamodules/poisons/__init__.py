"""Attacks on a training set: one file, one class; dropping a file here registers it."""

from datamodules.plugins import Registry
from datamodules.poison import Poison, Poisoning, poisoned_set
from datamodules.poisons.gaussian import GaussianPoison

POISONS: Registry[Poison] = Registry(__name__, Poison, key=lambda poison: poison.name, kind="poison")

__all__ = ["POISONS", "GaussianPoison", "Poison", "Poisoning", "poisoned_set"]
