from dataclasses import replace

import pytest

from benchmark.address import address_of
from benchmark.scenario import Scenario
from benchmark.scenarios import SUITES, all_scenarios, get_scenarios, suite_scenarios
from callbacks import EFFECTS
from datamodules import POISONS, UnknownNameError

PINNED = {
    "digits-gaussian-cnn-v1": "a22d9a2b0b447e8e",
    "cifar10-gaussian-cnn-v1": "45158b0d902608ee",
    "cifar10-badnets-cnn-v1": "f38be969bdd4aaed",
    "cifar10-badnets-cnn-v1.clean-label": "f8779fa600198553",
    "cifar10-badnets-cnn-v1.falsepositives100": "d22b682157f4bb42",
    "cifar10-badnets-cnn-v1.identified50": "d65e4d69872afdd9",
    "cifar10-blended-cnn-v1.clean-label": "c861218f7ceb483f",
    "cifar10-blended-cnn-v1.dirty-label": "d2c78da5798d2948",
    "cifar10-gradient-matching-cnn-v1": "89dde2d8b895e173",
    "cifar10-gradient-matching-cnn-v1.restarts8": "202603bacb2e6731",
    "cifar10-gradient-matching-cnn-v1.runner-up": "aaac151f4bcb2636",
    "cifar10-label-flip-cnn-v1": "cff3934dedf3201c",
    "cifar10-label-swap-cnn-v1": "e5293988d133d957",
    "cifar10-sinusoid-cnn-v1.clean-label": "09e057982180abb5",
    "cifar10-sinusoid-cnn-v1.dirty-label": "31417475f4529431",
    "cifar10-badnets-resnet18-v1.p1000": "824110ba129f0845",
    "cifar10-badnets-resnet18-v1.p1250": "9fe70bd1cb835e4c",
    "cifar10-badnets-resnet18-v1.p750": "6bc2271b5b15ed33",
    "cifar10-gaussian-resnet18-v1.p1000": "a3a286ff2fd4462e",
    "cifar10-gaussian-resnet18-v1.p1250": "56927a3f5d88c3ec",
    "cifar10-gaussian-resnet18-v1.p750": "526d00eacdc171b4",
    "cifar10-gradient-matching-resnet18-v1.p1000": "7a3f4ecdbe1c16e2",
    "cifar10-gradient-matching-resnet18-v1.p1250": "23be40c382ec8096",
    "cifar10-gradient-matching-resnet18-v1.p750": "e82d7234cc2cb31d",
    "cifar10-label-flip-resnet18-v1.p1000": "95a892badf5baca5",
    "cifar10-label-flip-resnet18-v1.p1250": "471277ac238ae168",
    "cifar10-label-flip-resnet18-v1.p750": "1e8c50705fccc700",
    "cifar10-label-swap-resnet18-v1.p1000": "ae9df54a57c824dd",
    "cifar10-label-swap-resnet18-v1.p1250": "a61f4c96eab01885",
    "cifar10-label-swap-resnet18-v1.p750": "80666b39835d93a3",
}


def pin(scenario: Scenario) -> str:
    return address_of(replace(scenario, suite="full"))[:16]


@pytest.mark.parametrize("name", PINNED)
def test_a_released_scenario_is_never_edited(name: str) -> None:
    """Make a new version with a new name instead. Which suite runs it may change."""
    assert pin(all_scenarios()[name]) == PINNED[name]


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
    for scenario in suite_scenarios("mini"):
        assert scenario.corpus.name == "cifar10"
        assert len(scenario.seeds) == 5
    gaussian = all_scenarios()["cifar10-gaussian-cnn-v1"]
    assert gaussian.poison.options["count"] == 0.025 * (gaussian.corpus.train_size or 0)


def test_every_attack_has_a_scenario_for_a_processor_and_one_for_a_gpu() -> None:
    for suites in ({"mini", "full"}, {"paper"}):
        attacks = {scenario.poison.name for scenario in all_scenarios().values() if scenario.suite in suites}
        assert attacks >= {"gaussian", "gradient-matching", "badnets", "label-swap", "label-flip"}


def test_unknown_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mini'"):
        suite_scenarios("minni")
    with pytest.raises(UnknownNameError, match="did you mean 'digits-gaussian-cnn-v1'"):
        get_scenarios("digits-gaussian-cnn-v2")
