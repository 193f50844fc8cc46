"""Scenarios: every module of this folder lists some under ``SCENARIOS``; dropping a file here registers them."""

import importlib
import pkgutil
from functools import cache

from benchmark.scenario import Scenario
from datamodules import UnknownNameError

SUITES = ("smoke", "mini", "full", "paper")


@cache
def all_scenarios() -> dict[str, Scenario]:
    """Return every scenario by name, in the order of suites and files."""
    found: list[Scenario] = []
    for info in pkgutil.iter_modules(__path__):
        found += importlib.import_module(f"{__name__}.{info.name}").SCENARIOS
    found.sort(key=lambda scenario: (SUITES.index(scenario.suite), scenario.name))
    return {scenario.name: scenario for scenario in found}


def suite_scenarios(suite: str) -> list[Scenario]:
    """Return the scenarios of a suite.

    Raises:
        UnknownNameError: if there is no such suite.
    """
    if suite not in SUITES:
        raise UnknownNameError("suite", suite, SUITES)
    return [scenario for scenario in all_scenarios().values() if scenario.suite == suite]


def get_scenarios(name: str) -> list[Scenario]:
    """Return the scenario called ``name``, or all variants of the family of that name.

    Raises:
        UnknownNameError: if there is none.
    """
    scenarios = all_scenarios()
    if name in scenarios:
        return [scenarios[name]]
    family = [scenario for scenario in scenarios.values() if scenario.name.partition(".")[0] == name]
    if not family:
        raise UnknownNameError("scenario", name, scenarios)
    return family
