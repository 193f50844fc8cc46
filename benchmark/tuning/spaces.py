"""Which settings of a method are searched, and where."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.methods import Method, Setting, configured_method

SHARED = ("momentum", "weight_decay")
"""Settings of the optimizer that the fallback leaves alone: they do what the learning rate does."""


@dataclass(frozen=True)
class Log:
    """Log-uniform between two positive numbers."""

    low: float
    high: float


@dataclass(frozen=True)
class Linear:
    """Uniform between two numbers."""

    low: float
    high: float


@dataclass(frozen=True)
class Whole:
    """A whole number, both ends included."""

    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Around:
    """Log-uniform between two multiples of the default."""

    low: float
    high: float


Dimension = Log | Linear | Whole | Choice
RATE = Around(1 / 30, 10)
TENFOLD = Around(1 / 10, 10)
LAYERS = Whole(1, 4)
SCHEDULES = Choice(("constant", "linear"))

TABLE: Mapping[str, Mapping[str, Dimension | Around]] = {
    "gd": {"lr": RATE, "lr_schedule": SCHEDULES},
    "ngd": {"lr": RATE, "noise_variance": Around(1 / 10, 1000)},
    "ga": {"lr": RATE, "max_epochs": Whole(1, 10)},
    "euk": {"lr": RATE, "k": LAYERS},
    "cfk": {"lr": RATE, "k": LAYERS},
    "scrub": {"lr": RATE, "alpha": Around(1 / 10, 1000), "msteps": Whole(1, 4)},
    "neggradplus": {"lr": RATE, "alpha": Linear(0.8, 0.9999)},
    "ssd": {"alpha": Around(1 / 100, 100), "lam": TENFOLD},
}
"""The eight methods of Pawelczyk et al. (2025). Ranges hold what their sources tried, as far as they say so."""


def space_of(method: Method) -> dict[str, Dimension]:
    """Return what is searched for a method, around the settings it has.

    A method that is not in :data:`TABLE` is searched over its floats: its learning rate from a thirtieth to tenfold,
    the others from a tenth to tenfold, or uniformly within [0, 1] where it refuses more than 1.

    Raises:
        ValueError: if nothing of it can be searched.
    """
    given = TABLE.get(method.name) or _floats(method)
    space = {name: _resolved(dimension, method.hyperparameters[name]) for name, dimension in given.items()}
    if not space:
        raise ValueError(f"{method.name} has no setting to tune: none of its arguments is a positive float")
    return space


def _resolved(dimension: Dimension | Around, value: Setting) -> Dimension:
    if not isinstance(dimension, Around):
        return dimension
    if not isinstance(value, float):
        raise TypeError(f"a range around a default needs a float, got {value!r}")
    return Log(value * dimension.low, value * dimension.high)


def _floats(method: Method) -> dict[str, Dimension | Around]:
    return {
        name: RATE if name == "lr" else _range(method, name, value)
        for name, value in method.hyperparameters.items()
        if isinstance(value, float) and value > 0 and name not in SHARED
    }


def _range(method: Method, name: str, value: float) -> Dimension | Around:
    if value <= 1 and not _accepts(method, name, 10 * max(value, 1.0)):
        pairs = itertools.product((0.0, 0.01), (1.0, 0.99))
        return next(Linear(low, high) for low, high in pairs if all(_accepts(method, name, end) for end in (low, high)))
    return TENFOLD


def _accepts(method: Method, name: str, value: float) -> bool:
    try:
        configured_method(method.reference, {name: value})
    except ValueError:
        return False
    return True
