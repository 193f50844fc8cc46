from dataclasses import replace

import pytest

from benchmark.address import address_of
from benchmark.scenario import Scenario
from benchmark.scenarios import SUITES, all_scenarios, get_scenarios, suite_scenarios
from callbacks import EFFECTS
from datamodules import POISONS, UnknownNameError

PINNED = {
    "digits-gaussian-cnn-v1": "a22d9a2b0b447e8e",
    "grammar-trigger-tiny-v1": "ebe93bca0bffd203",
    "cifar10-badnets-cnn-v1": "ae33841b087b6668",
    "cifar10-confident-flip-cnn-v1": "50ca33ddcb276843",
    "cifar10-gaussian-cnn-v2": "386f1c13efca733d",
    "cifar10-gradient-matching-cnn-v1": "3d35d1404dc5f762",
    "cifar10-label-swap-cnn-v1": "f55e02ec512ab783",
    "snippets-gaussian-minilm-v1": "c3e9851f458b86f5",
    "snippets-trigger-minilm-v1": "3c3f84fc85541d11",
    "cifar10-badnets-cnn-v1.clean-label": "ee49d04461968544",
    "cifar10-badnets-cnn-v1.falsepositives100": "5dae3b16c20562b3",
    "cifar10-badnets-cnn-v1.identified50": "f9a67ff4e78f09a4",
    "cifar10-blended-cnn-v1.clean-label": "0f16e2733796caf9",
    "cifar10-blended-cnn-v1.dirty-label": "46700c5474fd32a6",
    "cifar10-camouflaged-badnets-cnn-v1": "b3d919aff30a2b3f",
    "cifar10-gaussian-cnn-v1": "45158b0d902608ee",
    "cifar10-gradient-canceling-cnn-v1.all-layers": "d5e5794f2c6ac249",
    "cifar10-gradient-canceling-cnn-v1.all-layers-shuffled": "18050dbe42009677",
    "cifar10-gradient-canceling-cnn-v1.clipped": "12f75dbd57415eee",
    "cifar10-gradient-canceling-cnn-v1.clipped-shuffled": "7cc52b0e73f05b28",
    "cifar10-gradient-canceling-cnn-v1.unclipped": "5b3c78f1c8fe6084",
    "cifar10-gradient-canceling-cnn-v1.unclipped-shuffled": "9553284b9b8bd182",
    "cifar10-gradient-matching-cnn-v1.restarts8": "ddb608886bce0ad7",
    "cifar10-gradient-matching-cnn-v1.runner-up": "354bdd7d623607ad",
    "cifar10-human-labels-cnn-v1": "af1809e4c99ca8c5",
    "cifar10-label-flip-cnn-v1": "d1f35412193d73d2",
    "cifar10-sinusoid-cnn-v1.clean-label": "0b9420d7563e5ed5",
    "cifar10-sinusoid-cnn-v1.dirty-label": "4d1b89c87bca9c88",
    "imdb-gaussian-minilm-v1": "37909a48c279a538",
    "imdb-targeted-minilm-v1": "ed765d32f31fd4eb",
    "imdb-trigger-gpt2mini-v1": "ff73ed1162f48f17",
    "imdb-trigger-minilm-lora-v1": "9e1ce3f1fa825a87",
    "imdb-trigger-minilm-v1": "4a9e2e90fb8763ab",
    "cifar10-badnets-resnet18-v1.p1000": "824110ba129f0845",
    "cifar10-badnets-resnet18-v1.p1250": "9fe70bd1cb835e4c",
    "cifar10-badnets-resnet18-v1.p750": "6bc2271b5b15ed33",
    "cifar10-gaussian-resnet18-v1.p1000": "a3a286ff2fd4462e",
    "cifar10-gaussian-resnet18-v1.p1250": "56927a3f5d88c3ec",
    "cifar10-gaussian-resnet18-v1.p750": "526d00eacdc171b4",
    "cifar10-gradient-canceling-resnet18-v1.p1000": "d0576046f48c2139",
    "cifar10-gradient-canceling-resnet18-v1.p1250": "3e8a8e6d1b797f8b",
    "cifar10-gradient-canceling-resnet18-v1.p750": "041d2fa797cab177",
    "cifar10-gradient-matching-resnet18-v1.p1000": "7a3f4ecdbe1c16e2",
    "cifar10-gradient-matching-resnet18-v1.p1250": "23be40c382ec8096",
    "cifar10-gradient-matching-resnet18-v1.p750": "e82d7234cc2cb31d",
    "cifar10-label-flip-resnet18-v1.p1000": "95a892badf5baca5",
    "cifar10-label-flip-resnet18-v1.p1250": "471277ac238ae168",
    "cifar10-label-flip-resnet18-v1.p750": "1e8c50705fccc700",
    "cifar10-label-swap-resnet18-v1.p1000": "ae9df54a57c824dd",
    "cifar10-label-swap-resnet18-v1.p1250": "a61f4c96eab01885",
    "cifar10-label-swap-resnet18-v1.p750": "80666b39835d93a3",
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
    word = WORDS.get(scenario.poison.name, scenario.poison.name)
    assert name.startswith(f"{scenario.corpus.name}-{word}-")
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
