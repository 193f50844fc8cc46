"""Effects of poisons: one file, one class; dropping a file here registers it."""

from callbacks.effect import Effect
from datamodules import Registry

EFFECTS: Registry[Effect] = Registry(__name__, Effect, key=lambda effect: effect.name, kind="effect")

__all__ = ["EFFECTS"]
