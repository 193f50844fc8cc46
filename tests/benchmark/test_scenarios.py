from dataclasses import replace

import pytest

from benchmark.address import address_of
from benchmark.scenario import PoisonSpec, Scenario
from benchmark.scenarios import SUITES, all_scenarios, get_scenarios, suite_scenarios
from callbacks import EFFECTS
from datamodules import POISONS, UnknownNameError
from datamodules.poisons.gradient_canceling import GradientCanceling

PINNED = {
    "digits-gaussian-cnn-v1": "a22d9a2b0b447e8e",
    "grammar-trigger-tiny-v1": "ebe93bca0bffd203",
    "cifar10-badnets-cnn-v1": "ddff430f238efb15",
    "cifar10-confident-flip-cnn-v1": "b4e8242aab6a7e9a",
    "cifar10-gaussian-cnn-v2": "5d219a655b0e0f61",
    "cifar10-gradient-matching-cnn-v1": "28a6b595c9472843",
    "cifar10-label-swap-cnn-v1": "5e2b2593970c1306",
    "snippets-gaussian-minilm-v1": "c3e9851f458b86f5",
    "snippets-trigger-minilm-v1": "3c3f84fc85541d11",
    "cifar10-badnets-cnn-v1.clean-label": "b3336e8b228b6201",
    "cifar10-badnets-cnn-v1.falsepositives100": "539b7a90548feed7",
    "cifar10-badnets-cnn-v1.identified10": "97ac48bfcb3bec67",
    "cifar10-badnets-cnn-v1.identified50": "947b1bc9f7e47e2c",
    "cifar10-blended-cnn-v1.clean-label": "ce1539d401d6c809",
    "cifar10-blended-cnn-v1.dirty-label": "91d357c39edbf5d3",
    "cifar10-camouflaged-badnets-cnn-v1": "33867ec2e6445012",
    "cifar10-gaussian-cnn-v1": "45158b0d902608ee",
    "cifar10-gradient-canceling-cnn-v1.all-layers": "650209fbe2358c8f",
    "cifar10-gradient-canceling-cnn-v1.all-layers-shuffled": "cd3551d56aaa8001",
    "cifar10-gradient-canceling-cnn-v1.clipped": "79609ba17961f24f",
    "cifar10-gradient-canceling-cnn-v1.clipped-shuffled": "0b8dc50f5210e0d0",
    "cifar10-gradient-canceling-cnn-v1.unclipped": "efa1d761afdab3c5",
    "cifar10-gradient-canceling-cnn-v1.unclipped-shuffled": "255fd855c2fa60ac",
    "cifar10-gradient-matching-cnn-v1.identified50": "a56fcfeb8167209f",
    "cifar10-gradient-matching-cnn-v1.restarts8": "dc7a8087b9635d39",
    "cifar10-gradient-matching-cnn-v1.runner-up": "c436d73e38e4696b",
    "cifar10-human-labels-cnn-v1": "e2a384a4df73f732",
    "cifar10-label-flip-cnn-v1": "f356bae7be5c2d9b",
    "cifar10-label-flip-cnn-v1.identified50": "30ff92fb7e171870",
    "cifar10-sinusoid-cnn-v1.clean-label": "69b1e471ff6cdbc2",
    "cifar10-sinusoid-cnn-v1.dirty-label": "bf7678e87b1eebd4",
    "imdb-gaussian-minilm-v1": "37909a48c279a538",
    "imdb-targeted-minilm-v1": "ed765d32f31fd4eb",
    "imdb-trigger-gpt2mini-v1": "ff73ed1162f48f17",
    "imdb-trigger-minilm-lora-v1": "9e1ce3f1fa825a87",
    "imdb-trigger-minilm-v1": "4a9e2e90fb8763ab",
    "cifar10-badnets-resnet18-v1.p1000": "824110ba129f0845",
    "cifar10-badnets-resnet18-v1.p1000.falsepositives100": "4f62f9cbd3a1a763",
    "cifar10-badnets-resnet18-v1.p1000.identified10": "78506004cac9b201",
    "cifar10-badnets-resnet18-v1.p1000.identified50": "33b0ee3889ce3152",
    "cifar10-badnets-resnet18-v1.p1250": "9fe70bd1cb835e4c",
    "cifar10-badnets-resnet18-v1.p1250.falsepositives100": "6a84b9bab3a22e33",
    "cifar10-badnets-resnet18-v1.p1250.identified10": "f398bf330309f427",
    "cifar10-badnets-resnet18-v1.p1250.identified50": "e8fc664afd340c29",
    "cifar10-badnets-resnet18-v1.p750": "6bc2271b5b15ed33",
    "cifar10-badnets-resnet18-v1.p750.falsepositives100": "4701aebffe01335c",
    "cifar10-badnets-resnet18-v1.p750.identified10": "26b99b25f396238f",
    "cifar10-badnets-resnet18-v1.p750.identified50": "7705b0d9275a56f8",
    "cifar10-blended-resnet18-v1.p1000": "86a2326d749453ed",
    "cifar10-blended-resnet18-v1.p1250": "f3f62cc7b37b3a76",
    "cifar10-blended-resnet18-v1.p750": "13f0b60058a5c7c8",
    "cifar10-camouflaged-badnets-resnet18-v1.p1000": "bce58a4a1fbc7616",
    "cifar10-camouflaged-badnets-resnet18-v1.p1250": "3c05e096cc8048fd",
    "cifar10-camouflaged-badnets-resnet18-v1.p750": "3c71fb07e1fda3b9",
    "cifar10-confident-label-flip-resnet18-v1.p1000": "cfe2bfbda9ed07d5",
    "cifar10-confident-label-flip-resnet18-v1.p1250": "5729457a89b9312b",
    "cifar10-confident-label-flip-resnet18-v1.p750": "cdcbc7d3fa8a4c1d",
    "cifar10-gaussian-resnet18-v1.p1000": "a3a286ff2fd4462e",
    "cifar10-gaussian-resnet18-v1.p1250": "56927a3f5d88c3ec",
    "cifar10-gaussian-resnet18-v1.p750": "526d00eacdc171b4",
    "cifar10-gradient-canceling-resnet18-v1.p1000.clipped": "8b305a70fc44147c",
    "cifar10-gradient-canceling-resnet18-v1.p1000.clipped-shuffled": "ca7843f716b9f39a",
    "cifar10-gradient-canceling-resnet18-v1.p1250.clipped": "4ff3bda4eb7f883f",
    "cifar10-gradient-canceling-resnet18-v1.p1250.clipped-shuffled": "d7efc0000f93729c",
    "cifar10-gradient-canceling-resnet18-v1.p750.clipped": "f301b4b61bae8242",
    "cifar10-gradient-canceling-resnet18-v1.p750.clipped-shuffled": "5e950564829cb9f1",
    "cifar10-gradient-matching-resnet18-v1.p1000": "7a3f4ecdbe1c16e2",
    "cifar10-gradient-matching-resnet18-v1.p1250": "23be40c382ec8096",
    "cifar10-gradient-matching-resnet18-v1.p750": "e82d7234cc2cb31d",
    "cifar10-human-label-noise-resnet18-v1.p1000": "d4b26c73093c9df2",
    "cifar10-human-label-noise-resnet18-v1.p1250": "58ea8bce3956b3ed",
    "cifar10-human-label-noise-resnet18-v1.p750": "ef79359360b1a795",
    "cifar10-label-flip-resnet18-v1.p1000": "95a892badf5baca5",
    "cifar10-label-flip-resnet18-v1.p1250": "471277ac238ae168",
    "cifar10-label-flip-resnet18-v1.p750": "1e8c50705fccc700",
    "cifar10-label-swap-resnet18-v1.p1000": "ae9df54a57c824dd",
    "cifar10-label-swap-resnet18-v1.p1250": "a61f4c96eab01885",
    "cifar10-label-swap-resnet18-v1.p750": "80666b39835d93a3",
    "cifar10-sinusoid-resnet18-v1.p1000": "86ec4eebe6bc6f24",
    "cifar10-sinusoid-resnet18-v1.p1250": "16834089f66ac813",
    "cifar10-sinusoid-resnet18-v1.p750": "d5727dd69822a2a0",
    "imdb-gaussian-gpt2medium-v1.p375": "b08136ccd59bd16b",
    "imdb-gaussian-gpt2medium-v1.p500": "61d46f302c66e231",
    "imdb-gaussian-gpt2medium-v1.p625": "c77727926360e7f0",
    "imdb-trigger-gpt2medium-v1.p375": "9e521c1f3dd79065",
    "imdb-trigger-gpt2medium-v1.p500": "51557e68c5a30540",
    "imdb-trigger-gpt2medium-v1.p625": "f16a682d638f0c56",
}

WORDS = {
    "confident-label-flip": "confident-flip",
    "human-label-noise": "human-labels",
    "gaussian-embedding": "gaussian",
    "trigger-phrase": "trigger",
    "entity-sentiment": "targeted",
}
"""What stands for an attack in the name of a scenario, where it is not the attack's name."""


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
    words = {scenario.poison.name, WORDS.get(scenario.poison.name, scenario.poison.name)}
    assert name.startswith(tuple(f"{scenario.corpus.name}-{word}-" for word in words))
    assert EFFECTS.get(POISONS.get(scenario.poison.name).effect)
    assert len(set(scenario.seeds)) == len(scenario.seeds) >= 3
    assert all(0 < budget <= 1 for budget in scenario.budgets)
    scenario.poison.build()


def test_a_family_gives_all_its_variants() -> None:
    names = {scenario.name for scenario in get_scenarios("cifar10-gaussian-resnet18-v1")}
    assert names == {f"cifar10-gaussian-resnet18-v1.p{count}" for count in (750, 1000, 1250)}


def test_the_default_suite_is_on_real_data_with_five_seeds_and_three_for_texts() -> None:
    for scenario in suite_scenarios("mini"):
        corpus, seeds = {"image": ("cifar10", 5), "text": ("snippets", 3)}[scenario.modality]
        assert scenario.corpus.name == corpus
        assert len(scenario.seeds) == seeds
    gaussian = all_scenarios()["cifar10-gaussian-cnn-v1"]
    assert gaussian.poison.options["count"] == 0.025 * (gaussian.corpus.train_size or 0)


def test_every_attack_has_a_scenario_for_a_processor_and_one_for_a_gpu() -> None:
    for suites in ({"mini", "full"}, {"paper"}):
        attacks = {scenario.poison.name for scenario in all_scenarios().values() if scenario.suite in suites}
        assert attacks >= {"gaussian", "gradient-matching", "badnets", "label-swap", "label-flip"}


def test_noise_on_embeddings_is_as_wide_as_those_of_the_network() -> None:
    """MiniLM has 384 coordinates, GPT-2 medium 1,024."""
    for scenario in all_scenarios().values():
        if scenario.poison.name == "gaussian-embedding":
            width = {"classifier:minilm": 384, "classifier:gpt2-medium": 1024}[scenario.network]
            assert scenario.poison.options["width"] == width


def test_the_two_attacks_on_snippets_share_all_but_the_attack() -> None:
    """Then they share one retrain baseline."""
    one, two = (all_scenarios()[f"snippets-{word}-minilm-v1"] for word in ("gaussian", "trigger"))

    assert replace(one, name=two.name, poison=two.poison) == two
    assert one.poison.options["count"] == two.poison.options["count"]


def test_unknown_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mini'"):
        suite_scenarios("minni")
    with pytest.raises(UnknownNameError, match="did you mean 'digits-gaussian-cnn-v1'"):
        get_scenarios("digits-gaussian-cnn-v2")


@pytest.mark.parametrize("name", [name for name, scenario in all_scenarios().items() if scenario.control])
def test_a_control_differs_in_nothing_but_the_shuffle(name: str) -> None:
    scenario = all_scenarios()[name]
    control = all_scenarios()[scenario.control or ""]
    options = dict(scenario.poison.options) | {"shuffled": True}
    poison = PoisonSpec(scenario.poison.name, options)
    assert replace(scenario, name=control.name, control=None, poison=poison) == control


@pytest.mark.parametrize(
    "name", [name for name, scenario in all_scenarios().items() if scenario.poison.name == "gradient-canceling"]
)
def test_canceling_reckons_with_the_penalty_of_the_training_that_it_attacks(name: str) -> None:
    scenario = all_scenarios()[name]
    poison = scenario.poison.build()
    assert isinstance(poison, GradientCanceling)
    assert poison.weight_decay == scenario.recipe.weight_decay
