"""Methods as they are run: an unlearner with its settings, and the rows that are no method."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmark.isolation import Submission, construct, describe, is_submission
from benchmark.isolation.settings import check_settings
from datamodules.corpora.base import Modality
from leaderboard import Tuning
from lightning_modules import UNLEARNERS, MethodCard, Unlearner

Setting = str | int | float | bool | None
SHAM_MODEL = "gd"
"""The method whose move, at its default settings, the sham copies."""

CORE = ("gd", "ngd", "ga", "euk", "cfk", "scrub", "neggradplus", "ssd", "graddiff", "npo", "simnpo")
"""What is run where no method is named: the eight of Pawelczyk et al. (2025), and three for language models."""

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
        reference: name of a shipped one, or ``/path/to/file.py:Class``.
        name: as in its card, with what differs from the defaults.
        title: the same for people.
        hyperparameters: every argument of its ``__init__``, resolved.
        submission: what is known of one that is not part of this repository; nothing here imports it.
        tuning: how its settings were chosen; None for defaults and for settings given by hand.
    """

    reference: str
    name: str
    title: str
    hyperparameters: Mapping[str, Setting] = field(default_factory=dict)
    submission: Submission | None = None
    tuning: Tuning | None = None

    @property
    def card(self) -> MethodCard:
        """The card, with this method's name and title."""
        card = UNLEARNERS.get(self.reference).card if self.submission is None else self.submission.card
        return replace(card, name=self.name, title=self.title)

    @property
    def defaults(self) -> Mapping[str, Setting]:
        """The default of every argument of its ``__init__``."""
        return _defaults(UNLEARNERS.get(self.reference)) if self.submission is None else self.submission.defaults


def default_methods(modality: Modality) -> tuple[Method, ...]:
    """Return those of :data:`CORE` that were proposed for a modality, with the default of every argument."""
    plugins = {name: UNLEARNERS.get(name) for name in sorted(CORE)}
    return tuple(default_method(name) for name, plugin in plugins.items() if modality in plugin.modalities)


def fitted(method: Method, lr_factor: float) -> Method:
    """Return ``method`` with its learning rate multiplied by the factor of a scenario, where it is at its default.

    A tuned method is left as it is: it was tuned for a scenario.
    """
    lr = method.hyperparameters.get("lr")
    if method.tuning is not None or not isinstance(lr, float) or lr != method.defaults.get("lr"):
        return method
    return replace(method, hyperparameters=dict(method.hyperparameters) | {"lr": lr * lr_factor})


def default_method(name: str) -> Method:
    """Return a method with the default of every argument."""
    return configured_method(name, {})


def configured_method(reference: str, settings: Mapping[str, Setting]) -> Method:
    """Return a method with some settings, and defaults for the others.

    Args:
        reference: name, or ``path/to/file.py:Class``, which is not imported here.
        settings: arguments of its ``__init__``.

    Raises:
        ValueError: if there is no such method, or it refuses the settings.
    """
    if is_submission(reference):
        return configured_submission(describe(reference), settings)
    return configured_plugin(UNLEARNERS.get(reference), settings)


def tuned_method(reference: str, settings: Mapping[str, Setting], tuning: Tuning) -> Method:
    """Return a method with settings that were tuned for a scenario; its row is called ``<method>.tuned``.

    Args:
        reference: as for :func:`configured_method`.
        settings: what was chosen; the other arguments keep their defaults.
        tuning: how.

    Raises:
        ValueError: if there is no such method, or it refuses the settings.
    """
    default, chosen = default_method(reference), configured_method(reference, settings)
    return replace(chosen, name=f"{default.name}.tuned", title=f"{default.title} (tuned)", tuning=tuning)


def configured_plugin(plugin: type[Unlearner], settings: Mapping[str, Setting]) -> Method:
    """Return the shipped method that ``plugin`` is, with some settings, and defaults for the others.

    Raises:
        ValueError: if it is none of this repository, an argument has neither setting nor default, or it refuses the
            settings.
    """
    if not plugin.__module__.startswith(f"{UNLEARNERS.package}."):
        raise ValueError(f"{plugin.__name__} is no method of this repository: name it as path/to/file.py:Class")
    defaults = _defaults(plugin)
    resolved: dict[str, Any] = dict(defaults) | dict(settings)
    missing = [name for name, value in resolved.items() if value is inspect.Parameter.empty]
    if missing:
        raise ValueError(f"{plugin.__name__} needs a default for {', '.join(missing)}: every hyper-parameter has one")
    try:
        plugin(**resolved)
    except TypeError as error:  # null, which the parser takes for any type
        raise ValueError(f"{plugin.__name__} refuses {dict(settings)}: {error}") from error
    return _named(Method(plugin.card.name, plugin.card.name, plugin.card.title, resolved), defaults)


def configured_submission(submission: Submission, settings: Mapping[str, Setting]) -> Method:
    """Return the method that a submission is, with some settings, and defaults for the others.

    Raises:
        ValueError: if it has the name of another row, has no such argument, or refuses the settings.
    """
    card, name = submission.card, submission.class_name
    if card.name in ANCHORS or card.name in UNLEARNERS.all():
        raise ValueError(f"{name} is called {card.name!r} in its card, as another row is; rename it")
    check_settings(submission, settings)
    resolved = dict(submission.defaults) | dict(settings)
    if resolved != submission.defaults:
        construct(submission, resolved)
    method = Method(submission.reference, card.name, card.title, resolved, submission)
    return _named(method, submission.defaults)


def _named(method: Method, defaults: Mapping[str, Setting]) -> Method:
    """Return ``method`` with a name and a title that tell what differs from the defaults."""
    changed = {name: value for name, value in method.hyperparameters.items() if value != defaults[name]}
    if not changed:
        return method
    words = "_".join(f"{name}-{value}" for name, value in changed.items()).lower()
    shown = ", ".join(f"{name}={value}" for name, value in changed.items())
    variant = f"{method.name}.{re.sub(r'[^a-z0-9_.-]', '_', words)}"
    return replace(method, name=variant, title=f"{method.title} ({shown})")


def _defaults(plugin: type[Unlearner]) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(plugin).parameters.items()}
