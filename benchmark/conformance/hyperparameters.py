"""The hyper-parameters of a method, read from its ``__init__``, and other values to try."""

import inspect
import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lightning_modules import Unlearner

SCALARS = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class HyperParameter:
    """An argument of ``__init__``.

    Attributes:
        name: of the argument.
        annotation: its type, or None where there is none.
        default: its default, or ``inspect.Parameter.empty``.
        keyword_only: whether it must be named in a call.
    """

    name: str
    annotation: Any
    default: Any
    keyword_only: bool

    @property
    def scalar(self) -> bool:
        """Whether its type is a bool, an int, a float, a str, a Literal of these, or one of them or None."""
        return all(option in SCALARS or get_origin(option) is Literal for option in _options(self.annotation))

    def others(self, value: Any) -> list[Any]:
        """Return values to try instead of ``value``; the method may refuse some of them."""
        found: list[Any] = []
        for option in _options(self.annotation):
            found += _others(option, value)
        return [other for other in found if other != value]


def hyperparameters_of(unlearner_class: type[Unlearner]) -> list[HyperParameter]:
    """Return the arguments of ``__init__``, in order."""
    hints = get_type_hints(unlearner_class.__init__)
    parameters = list(inspect.signature(unlearner_class).parameters.values())
    return [
        HyperParameter(entry.name, hints.get(entry.name), entry.default, entry.kind is entry.KEYWORD_ONLY)
        for entry in parameters
    ]


def _options(annotation: Any) -> list[Any]:
    if get_origin(annotation) in {Union, types.UnionType}:
        return list(get_args(annotation))
    return [annotation]


def _others(option: Any, value: Any) -> list[Any]:
    if get_origin(option) is Literal:
        return list(get_args(option))
    if option is bool:
        return [not value]
    if option is int:
        return [value + 1, value - 1, 2 * value] if isinstance(value, int) else [1, 2]
    if option is float:
        return [2.0 * value, 0.5 * value] if isinstance(value, (int, float)) and value else [0.5, 0.05]
    return []
