"""Unlearning methods: one file, one class; dropping a file here registers it."""

from datamodules import Registry
from lightning_modules.unlearner import Unlearner

UNLEARNERS: Registry[Unlearner] = Registry(
    __name__, Unlearner, key=lambda unlearner: unlearner.card.name, kind="unlearner"
)

__all__ = ["UNLEARNERS"]
