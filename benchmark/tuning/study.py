"""The search: Optuna's tree of Parzen estimators, asked and told one trial after the other."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.methods import Setting
from benchmark.tuning.spaces import Choice, Dimension, Linear, Log

if TYPE_CHECKING:
    import optuna

STARTUP = 5
"""Trials before the estimators are used: the defaults, and random ones."""

DIGITS = 3
"""Significant digits of what is tried: what is written down is what was run."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and what the criterion said of them."""

    settings: Mapping[str, Setting]
    objective: float


def search(
    space: Mapping[str, Dimension],
    defaults: Mapping[str, Setting],
    evaluate: Callable[[Mapping[str, Setting]], float],
    *,
    trials: int,
    seed: int,
) -> list[Trial]:
    """Return the trials in order; the first is the defaults, hence the best of them is no worse.

    The same arguments give the same trials, and more trials begin with the same ones: where ``evaluate`` remembers, a
    search that was killed goes on.

    Args:
        space: what is searched.
        defaults: the settings of the first trial, for every dimension.
        evaluate: returns what is to be minimised.
        trials: at least 1.
        seed: of the sampler, from 0.

    Raises:
        ValueError: if Optuna is not installed, or ``trials`` is below 1.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    study = _study(seed)
    first = {name: defaults[name] for name in space}
    study.enqueue_trial(dict(first))
    found: list[Trial] = []
    for number in range(trials):
        asked = study.ask()
        suggested = {name: _suggest(asked, name, dimension) for name, dimension in space.items()}
        settings = suggested if number else first
        value = evaluate(settings)
        study.tell(asked, value)
        found.append(Trial(settings, value))
    return found


def best(trials: list[Trial]) -> Trial:
    """Return the trial of the least objective, the earliest of equals."""
    return min(trials, key=lambda trial: trial.objective)


def require_optuna() -> None:
    """Check that Optuna is there.

    Raises:
        ValueError: if it is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ValueError("tuning needs Optuna: python -m pip install -e '.[tune]'")


def _study(seed: int) -> "optuna.Study":
    require_optuna()
    import optuna  # noqa: PLC0415 - an optional library, and slow to import

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP))


def _suggest(trial: "optuna.Trial", name: str, dimension: Dimension) -> Setting:
    match dimension:
        case Choice():
            return str(trial.suggest_categorical(name, dimension.words))
        case Log():
            return _rounded(trial.suggest_float(name, dimension.low, dimension.high, log=True))
        case Linear():
            return _rounded(trial.suggest_float(name, dimension.low, dimension.high))
        case _:
            return trial.suggest_int(name, dimension.low, dimension.high)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
