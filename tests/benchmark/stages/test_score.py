"""Score: what is measured, on what, and what a diverged network gives."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from benchmark.scenarios import get_scenarios
from benchmark.stages import score as score_stage
from benchmark.tensors import load_tensors, load_weights, save_tensors
from lightning_modules import build_network

FILE = "weights.safetensors"


@pytest.fixture(scope="session")
def scored(shared_lab, crafted, poisoned):
    return shared_lab.score(crafted, poisoned.folder / FILE)


def _spoilt(lab, made, change):
    weights = made.weights
    change(weights)
    path = lab.folder() / FILE
    save_tensors(weights, path)
    return path


def _poison_number(value):
    def change(weights):
        weights["0.weight"].view(-1)[0] = value

    return change


def _dead_channel(weights):
    """One weight is not finite, yet the network answers: ReLU makes 0 of it."""
    weights["1.bias"][0] = -math.inf


def _overflow(weights):
    """Every weight is finite, but not what the network says."""
    for name, tensor in weights.items():
        if name.endswith("weight"):
            tensor.mul_(1e30)


def _logits(lab, made, inputs, corpus):
    network = load_weights(build_network(lab.network, 0), made.folder / FILE).eval()
    pixels = (inputs.numpy().astype(np.float32) / 255 - corpus.mean[0]) / corpus.std[0]
    with torch.no_grad():
        return network(torch.from_numpy(pixels.astype(np.float32)))


@pytest.mark.parametrize("split", ["selection", "test"])
def test_accuracy_is_that_of_the_named_split(lab, crafted, poisoned, scored, split):
    corpus = crafted.config.corpus.load()
    held = getattr(corpus, split)

    logits = _logits(lab, poisoned, held.inputs, corpus)

    hits = (logits.argmax(1) == held.target).double().mean().item()
    assert scored.meta["final"][f"accuracy/{split}"] == pytest.approx(hits, abs=1e-6)


def test_loss_on_forget_and_retain_set_is_that_of_what_was_fed(lab, crafted, poisoned, scored):
    data = lab.data(crafted)
    network = load_weights(build_network(lab.network, 0), poisoned.folder / FILE).eval()
    for role, samples in (("forget", data.forget_set), ("retain", data.retain_set)):
        batch = samples.batch(torch.arange(len(samples)))
        with torch.no_grad():
            probability = network(batch.inputs).double().softmax(1)
        expected = log_loss(batch.target, probability, labels=range(10))
        assert scored.meta["final"][f"loss/{role}"] == pytest.approx(expected, rel=1e-4)
        hits = (probability.argmax(1) == batch.target).double().mean().item()
        assert scored.meta["final"][f"accuracy/{role}"] == pytest.approx(hits, abs=1e-6)


def test_the_effect_stands_among_the_results(scored):
    final = scored.meta["final"]

    assert final["gaussian_correlation"] == final["gaussian/mean"]
    assert all(math.isfinite(value) for value in final.values())
    arrays = load_tensors(scored.folder / "arrays.safetensors")
    assert arrays["gaussian/statistic"].mean().item() == pytest.approx(final["gaussian_correlation"], abs=1e-12)


def test_scores_are_written_as_they_are_returned(scored):
    assert json.loads((scored.folder / "scores.json").read_text()) == scored.meta
    assert {path.name for path in scored.folder.iterdir()} == {"scores.json", "arrays.safetensors"}


def test_scoring_twice_gives_the_same_bytes_and_leaves_the_weights(lab, crafted, poisoned, scored):
    before = (poisoned.folder / FILE).read_bytes()
    torch.manual_seed(4)

    again = lab.score(crafted, poisoned.folder / FILE)

    assert (poisoned.folder / FILE).read_bytes() == before
    for path in scored.folder.iterdir():
        assert (again.folder / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [_poison_number(math.nan), _poison_number(math.inf), _dead_channel, _overflow],
    ids=["nan", "inf", "dead channel", "overflow"],
)
def test_a_diverged_network_has_no_score(lab, crafted, poisoned, change):
    diverged = lab.score(crafted, _spoilt(lab, poisoned, change))

    assert diverged.meta == {"final": None, "trajectory": []}
    assert load_tensors(diverged.folder / "arrays.safetensors") == {}
    assert json.loads((diverged.folder / "scores.json").read_text())["final"] is None


def test_logits_that_are_no_numbers_are_a_divergence_though_accuracy_and_effect_are_numbers(
    lab, crafted, poisoned, monkeypatch
):
    monkeypatch.setattr(
        score_stage,
        "measure",
        lambda *_, **__: {"gaussian_correlation": 0.1, "accuracy/selection": 0.1, "loss/retain": math.nan},
    )

    assert lab.score(crafted, poisoned.folder / FILE).meta["final"] is None


def test_a_number_beside_that_is_not_finite_is_left_out(lab, crafted, poisoned, monkeypatch):
    monkeypatch.setattr(
        score_stage, "measure", lambda *_, **__: {"gaussian_correlation": 0.1, "loss/retain": 1.0, "beside": math.nan}
    )
    monkeypatch.setattr("callbacks.effects.gaussian_correlation.GaussianCorrelation.arrays", lambda _: {})

    assert lab.score(crafted, poisoned.folder / FILE).meta["final"] == {"gaussian_correlation": 0.1, "loss/retain": 1.0}


def test_snapshots_are_scored_in_order_without_the_test_split_and_diverged_ones_left_out(
    lab, crafted, poisoned, retrain, scored
):
    broken = _spoilt(lab, poisoned, _poison_number(math.nan))

    made = lab.score(
        crafted, poisoned.folder / FILE, [retrain.folder / FILE, broken, poisoned.folder / FILE], (10.0, 20.0, 30.0)
    )

    trajectory = made.meta["trajectory"]
    assert made.meta["final"] == scored.meta["final"]
    assert [line["passes"] for line in trajectory] == [10, 30]
    assert not any("test" in name for line in trajectory for name in line)
    without_test = {name: value for name, value in scored.meta["final"].items() if "/test" not in name}
    assert trajectory[1] == {"passes": 30} | without_test
    assert trajectory[0]["gaussian_correlation"] != trajectory[1]["gaussian_correlation"]
    assert trajectory[0]["accuracy/selection"] >= 0


def test_every_snapshot_needs_its_passes(lab, crafted, poisoned):
    with pytest.raises(ValueError, match="zip"):
        lab.score(crafted, poisoned.folder / FILE, [poisoned.folder / FILE], ())


def test_the_retain_set_is_scored_on_its_first_thousand_samples(lab, crafted, poisoned, monkeypatch):
    whole = lab.score(crafted, poisoned.folder / FILE).meta["final"]
    monkeypatch.setattr(score_stage, "RETAIN_SAMPLES", 20)

    part = lab.score(crafted, poisoned.folder / FILE).meta["final"]

    assert {name for name in whole if whole[name] != part[name]} >= {"loss/retain"}
    assert all(name.endswith("/retain") for name in whole if whole[name] != part[name])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_attack_takes_and_retraining_reads_as_null(shared_lab, seed):
    """The scenario of the smoke suite: the sign and size of the effect, after real training."""
    (scenario,) = get_scenarios("digits-gaussian-cnn-v1")
    lab = type(shared_lab)(shared_lab.folder())
    lab.network = scenario.network_spec(scenario.corpus.load())
    lab.recipe = scenario.recipe
    crafted = lab.craft(corpus=scenario.corpus, poison=scenario.poison, seed=seed)

    scores = {
        train_on: lab.score(crafted, lab.train(crafted, train_on).folder / FILE).meta["final"]
        for train_on in ("poisoned", "retain")
    }

    assert scores["poisoned"]["gaussian_correlation"] > 0.3
    assert scores["poisoned"]["gaussian/z"] > 3
    assert abs(scores["retain"]["gaussian/z"]) < 3
    assert all(abs(final["gaussian_fresh/z"]) < 3 for final in scores.values())
    assert min(final["accuracy/test"] for final in scores.values()) > 0.95
