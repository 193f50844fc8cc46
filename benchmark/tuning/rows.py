"""Rows of tuned settings: what ``run --settings tuned`` runs beside or instead of the defaults."""

from collections.abc import Sequence
from typing import Literal

from benchmark.methods import Method, tuned_method
from benchmark.tuning.tuned import TunedFile

Settings = Literal["default", "tuned", "both"]


def with_tuned(
    scenario: str, methods: Sequence[Method], settings: Settings, file: TunedFile, seeds: Sequence[int]
) -> tuple[list[Method], list[str]]:
    """Return the methods to run in a scenario, and the names of those that were not tuned for it.

    Args:
        scenario: its name.
        methods: as they were chosen. One with settings of its own, given by hand, is kept and has no tuned row.
        settings: ``default`` keeps the methods, ``tuned`` replaces them by their tuned rows, ``both`` has both.
        file: the tuned settings.
        seeds: what is scored on.

    Raises:
        ValueError: if a seed is one that settings were tuned on.
    """
    rows = [method for method in methods if settings != "tuned" or not _plain(method)]
    untuned = []
    for method in methods if settings != "default" else ():
        found = file.find(scenario, method.name)
        if not _plain(method):
            continue
        if found is None:
            untuned.append(method.name)
            continue
        seen = sorted(set(seeds) & set(found.seeds))
        if seen:
            raise ValueError(f"--seeds: {method.name} was tuned for {scenario} on seed {seen[0]}, score on another one")
        rows.append(tuned_method(method.reference, found.settings, file.tuning(found)))
    return rows, untuned


def _plain(method: Method) -> bool:
    return method.tuning is None and dict(method.hyperparameters) == dict(method.defaults)
