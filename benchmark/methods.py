"""Methods as they are run: an unlearner with its settings, and the rows that are no method."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from datamodules.corpora.base import Modality
from lightning_modules import UNLEARNERS, Unlearner

Setting = str | int | float | bool | None
SHAM_MODEL = "gd"
"""The method whose move, at its default settings, the sham copies."""

ANCHORS = {
    "no_unlearning": ("No unlearning", "the poisoned model as it is: residual 1 by construction"),
    "retrain": ("Retrain", "fresh weights trained on exactly the retain set: residual 0 by construction"),
    "sham": ("Sham", "w <- w + random noise, per tensor as large as the move of GD at its defaults"),
}
"""Rows that are no method: name, title and what they are."""


@dataclass(frozen=True)
class Method:
    """An unlearner with its settings.

    Attributes:
        reference: name, or ``/path/to/file.py:Class``.
        name: as in its card, with what differs from the defaults.
        title: the same for people.
        hyperparameters: every argument of its ``__init__``, resolved.
    """

    reference: str
    name: str
    title: str
    hyperparameters: Mapping[str, Setting] = field(default_factory=dict)


def default_methods(modality: Modality) -> tuple[Method, ...]:
    """Return the shipped methods that were proposed for a modality, with the default of every argument."""
    return tuple(default_method(name) for name, plugin in UNLEARNERS.all().items() if modality in plugin.modalities)


def fitted(method: Method, lr_factor: float) -> Method:
    """Return ``method`` with its learning rate multiplied by the factor of a scenario, where it is at its default."""
    lr = method.hyperparameters.get("lr")
    default = inspect.signature(UNLEARNERS.get(method.reference)).parameters.get("lr")
    if not isinstance(lr, float) or default is None or lr != default.default:
        return method
    return replace(method, hyperparameters=dict(method.hyperparameters) | {"lr": lr * lr_factor})


def default_method(name: str) -> Method:
    """Return a method with the default of every argument."""
    return configured_method(name, {})


def configured_method(reference: str, settings: Mapping[str, Setting]) -> Method:
    """Return a method with some settings, and defaults for the others.

    Args:
        reference: name, or ``path/to/file.py:Class``.
        settings: arguments of its ``__init__``.

    Raises:
        ValueError: if there is no such method, or it refuses the settings.
    """
    return configured_plugin(UNLEARNERS.get(reference), settings)


def configured_plugin(plugin: type[Unlearner], settings: Mapping[str, Setting]) -> Method:
    """Return the method that ``plugin`` is, with some settings, and defaults for the others.

    Raises:
        ValueError: if an argument has neither setting nor default, or the method refuses the settings.
    """
    defaults = {name: parameter.default for name, parameter in inspect.signature(plugin).parameters.items()}
    resolved: dict[str, Any] = defaults | dict(settings)
    missing = [name for name, value in resolved.items() if value is inspect.Parameter.empty]
    if missing:
        raise ValueError(f"{plugin.__name__} needs a default for {', '.join(missing)}: every hyper-parameter has one")
    plugin(**resolved)
    in_package = plugin.__module__.startswith(f"{UNLEARNERS.package}.")
    if plugin.card.name in ANCHORS or (not in_package and plugin.card.name in UNLEARNERS.all()):
        raise ValueError(f"{plugin.__name__} is called {plugin.card.name!r} in its card, as another row is; rename it")
    reference = plugin.card.name if in_package else f"{Path(inspect.getfile(plugin)).resolve()}:{plugin.__name__}"
    changed = {name: value for name, value in resolved.items() if value != defaults[name]}
    if not changed:
        return Method(reference, plugin.card.name, plugin.card.title, resolved)
    words = "_".join(f"{name}-{value}" for name, value in changed.items()).lower()
    shown = ", ".join(f"{name}={value}" for name, value in changed.items())
    variant = f"{plugin.card.name}.{re.sub(r'[^a-z0-9_.-]', '_', words)}"
    return Method(reference, variant, f"{plugin.card.title} ({shown})", resolved)
