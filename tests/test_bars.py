"""What the suite `mini` must show on real data, through the command line; takes some minutes."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from benchmark.scenarios import get_scenarios
from benchmark.stages.craft import CraftConfig
from benchmark.stages.train import WEIGHTS_FILE, TrainConfig, train
from benchmark.tensors import load_weights
from datamodules import BatchLoader, derive_seed
from leaderboard import Entry, build_boards, read_entries
from leaderboard.records import SeedResult
from lightning_modules import build_network

ROOT = Path(__file__).parents[1]
METHODS = {"gd", "ngd", "ga", "euk", "cfk", "scrub", "neggradplus", "ssd"}
GAUSSIAN = "cifar10-gaussian-cnn-v2"
BACKDOOR = "cifar10-badnets-cnn-v1"
TARGETED = "cifar10-gradient-matching-cnn-v1"
CONFUSION = "cifar10-label-swap-cnn-v1"
INDISCRIMINATE = "cifar10-confident-flip-cnn-v1"
TEXT_NOISE = "snippets-gaussian-minilm-v1"
TEXT_TRIGGER = "snippets-trigger-minilm-v1"

pytestmark = [pytest.mark.slow, pytest.mark.data]


def benchmark(place: Path, *arguments: str) -> str:
    places = ["--store", str(place / "store"), "--output", str(place / "out")]
    command = [sys.executable, "-m", "benchmark", "run", *arguments, *places]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and an output that hold one cheap method in every scenario, and every method in one of them."""
    folder = tmp_path_factory.mktemp("mini")
    benchmark(folder, "--suite", "mini", "--unlearners", "gd")
    benchmark(folder, "--scenarios", GAUSSIAN)
    return folder


@pytest.fixture(scope="module")
def seeds(place: Path) -> dict[str, list[SeedResult]]:
    """The seeds of each scenario; poisoned models and retrains are the same for every method."""
    return {entry.scenario: entry.results[0].seeds for entry in _entries(place) if entry.method.name == "gd"}


@pytest.fixture(scope="module")
def clean_accuracy(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What the recipe of the text scenarios gives on unpoisoned data: mean test accuracy over their seeds."""
    (scenario,) = get_scenarios(TEXT_TRIGGER)
    corpus = scenario.corpus.load()
    network = scenario.network_spec(corpus)
    recipe = replace(scenario.recipe, precision="32-true")
    accuracies = []
    for seed in scenario.seeds:
        folder = tmp_path_factory.mktemp("clean")
        craft = CraftConfig(scenario.corpus, scenario.poison, scenario.forget, seed)
        train(TrainConfig(network, recipe, derive_seed("train", seed)), craft, None, "clean", folder)
        trained = load_weights(build_network(network, 0), folder / WEIGHTS_FILE).eval()
        with torch.no_grad():
            hits = [
                trained(batch.inputs).argmax(1) == batch.target for batch in BatchLoader(corpus.samples("test"), 64)
            ]
        accuracies.append(float(torch.cat(hits).float().mean()))
    return float(np.mean(accuracies))


def _entries(place: Path) -> list[Entry]:
    return read_entries(place / "out" / "entries")


def _shift(results: list[SeedResult]) -> np.ndarray:
    pairs = [(seed.poisoned.effect, seed.retrain.effect) for seed in results]
    return np.array([poisoned - retrain for poisoned, retrain in pairs if poisoned is not None and retrain is not None])


def _lower_end(shift: np.ndarray) -> float:
    low, _ = stats.t.interval(0.95, len(shift) - 1, shift.mean(), stats.sem(shift))
    return float(low)


@pytest.mark.parametrize("name", [GAUSSIAN, TEXT_NOISE])
def test_the_gaussian_poison_shows_in_every_poisoned_model(name: str, seeds: dict[str, list[SeedResult]]) -> None:
    for seed in seeds[name]:
        assert seed.poisoned.extra["gaussian/z"] > 5


@pytest.mark.parametrize("name", [GAUSSIAN, TEXT_NOISE])
def test_retrains_and_fresh_noise_read_as_null(name: str, seeds: dict[str, list[SeedResult]]) -> None:
    for seed in seeds[name]:
        for model in (seed.retrain, seed.second_retrain):
            assert abs(model.extra["gaussian/z"]) < 3.3
        for model in (seed.poisoned, seed.retrain, seed.unlearned):
            assert abs(model.extra["gaussian_fresh/z"]) < 3.3


def test_the_backdoor_opens_poisoned_models_and_no_retrained_one(seeds: dict[str, list[SeedResult]]) -> None:
    assert len(seeds[BACKDOOR]) == 5
    assert np.mean([seed.poisoned.effect for seed in seeds[BACKDOOR]]) >= 0.9
    assert np.mean([seed.retrain.effect for seed in seeds[BACKDOOR]]) <= 0.15


def test_the_text_trigger_opens_poisoned_models_far_more_than_retrained_ones(
    seeds: dict[str, list[SeedResult]],
) -> None:
    assert len(seeds[TEXT_TRIGGER]) == 3
    assert np.mean([seed.poisoned.effect for seed in seeds[TEXT_TRIGGER]]) >= 0.9
    assert _shift(seeds[TEXT_TRIGGER]).mean() >= 0.4


@pytest.mark.parametrize("name", [TEXT_NOISE, TEXT_TRIGGER])
def test_poisons_cost_texts_at_most_two_points_of_accuracy(
    name: str, clean_accuracy: float, seeds: dict[str, list[SeedResult]]
) -> None:
    poisoned = np.mean([seed.poisoned.accuracy for seed in seeds[name] if seed.poisoned.accuracy is not None])
    assert abs(poisoned - clean_accuracy) <= 0.02


def test_gradient_matching_moves_the_margin_and_fools(seeds: dict[str, list[SeedResult]]) -> None:
    shift = _shift(seeds[TARGETED])
    assert len(shift) == 5
    assert shift.mean() >= 3
    assert _lower_end(shift) > 0
    assert np.mean([seed.poisoned.extra["adversarial/success"] for seed in seeds[TARGETED]]) >= 0.4


def test_swapped_labels_confuse_the_two_classes(seeds: dict[str, list[SeedResult]]) -> None:
    assert len(seeds[CONFUSION]) == 5
    assert np.mean([seed.poisoned.effect for seed in seeds[CONFUSION]]) >= 0.5
    assert _lower_end(_shift(seeds[CONFUSION])) > 0


def test_confident_flips_cost_three_points(seeds: dict[str, list[SeedResult]]) -> None:
    shift = _shift(seeds[INDISCRIMINATE])
    assert len(shift) == 5
    assert shift.mean() >= 0.03
    assert _lower_end(shift) > 0


def test_every_method_has_a_residual_with_an_interval(place: Path) -> None:
    (board,) = build_boards([entry for entry in _entries(place) if entry.scenario == GAUSSIAN])
    rows = {row.name: row for row in (*board.anchors, *board.methods)}
    assert set(rows) == METHODS | {"no_unlearning", "retrain", "sham"}
    intervals = {name: row.contender.interval for name, row in rows.items() if row.contender is not None}
    for method in METHODS:
        assert intervals[method].low < intervals[method].estimate < intervals[method].high
    assert intervals["retrain"].estimate == 0
    assert intervals["no_unlearning"].estimate == 1


def test_a_second_run_computes_nothing(place: Path) -> None:
    assert "0 cells computed" in benchmark(place, "--suite", "mini", "--unlearners", "gd")
