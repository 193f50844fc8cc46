import pytest

from benchmark.address import address_of
from benchmark.scenarios import SUITES, all_scenarios, get_scenarios, suite_scenarios
from callbacks import EFFECTS
from datamodules import POISONS, UnknownNameError

PINNED = {
    "digits-gaussian-cnn-v1": "224dc5116e13367c",
    "cifar10-gaussian-cnn-v1": "0740a65ead52e209",
    "cifar10-gaussian-resnet18-v1.p1000": "a33a14bc40e186ef",
    "cifar10-gaussian-resnet18-v1.p1250": "5416f866ca450516",
    "cifar10-gaussian-resnet18-v1.p750": "d10e0a8527e8be41",
}


@pytest.mark.parametrize("name", PINNED)
def test_a_released_scenario_is_never_edited(name: str) -> None:
    """Make a new version with a new name instead."""
    assert address_of(all_scenarios()[name])[:16] == PINNED[name]


def test_every_scenario_is_pinned() -> None:
    assert set(all_scenarios()) == set(PINNED)


@pytest.mark.parametrize("name", all_scenarios())
def test_scenarios_are_well_formed(name: str) -> None:
    scenario = all_scenarios()[name]
    assert scenario.suite in SUITES
    assert name.startswith(f"{scenario.corpus.name}-{scenario.poison.name}-")
    assert EFFECTS.get(POISONS.get(scenario.poison.name).effect)
    assert len(set(scenario.seeds)) == len(scenario.seeds) >= 3
    assert all(0 < budget <= 1 for budget in scenario.budgets)
    scenario.poison.build()


def test_a_family_gives_all_its_variants() -> None:
    names = {scenario.name for scenario in get_scenarios("cifar10-gaussian-resnet18-v1")}
    assert names == {f"cifar10-gaussian-resnet18-v1.p{count}" for count in (750, 1000, 1250)}


def test_the_default_suite_is_on_real_data_with_five_seeds() -> None:
    (scenario,) = suite_scenarios("mini")
    assert scenario.corpus.name == "cifar10"
    assert len(scenario.seeds) == 5
    assert scenario.poison.options["count"] == 0.025 * (scenario.corpus.train_size or 0)


def test_unknown_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mini'"):
        suite_scenarios("minni")
    with pytest.raises(UnknownNameError, match="did you mean 'digits-gaussian-cnn-v1'"):
        get_scenarios("digits-gaussian-cnn-v2")
