"""The audit of backdoors against numpy, on the real path: `measure`, and thereby Trainer.test."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.stages import score
from callbacks import EFFECTS
from callbacks.effects import attack_success
from callbacks.effects.attack_success import SHOWN_IMAGES, AttackSuccess, target_margin
from datamodules import POISONS, PoisoningDataModule, load_corpus

NAMES = ("badnets", "blended", "sinusoid")
OPTIONS = {"badnets": {}, "blended": {"alpha": 0.4}, "sinusoid": {"frequency": 2, "amplitude": 0.2}}
TARGET = 4


def _data(name):
    poison = POISONS.get(name)(count=20, target_class=TARGET, **OPTIONS[name])
    data = PoisoningDataModule(load_corpus("digits"), poison, seed=1)
    data.setup()
    return data


@pytest.fixture(scope="module", params=NAMES)
def data(request):
    return _data(request.param)


def _linear(seed=0, scale=0.3):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.normal_(network[1].weight, std=scale, generator=torch.Generator().manual_seed(seed))
    nn.init.zeros_(network[1].bias)
    return network.eval()


def _triggered(data, prefix=""):
    """Test images of other classes with the trigger, in normalised space, from corpus and secrets in float64."""
    corpus, secrets = data.corpus, data.poisoning.secrets
    keep = corpus.test.target.numpy() != TARGET
    clean = corpus.test.inputs.numpy()[keep] / 255
    mask, pattern, delta = (secrets[f"{prefix}{part}"].double().numpy() for part in ("mask", "pattern", "delta"))
    pixels = np.clip((1 - mask) * clean + mask * pattern + delta, 0, 1)
    return (np.rint(pixels * 255) / 255 - corpus.mean[0]) / corpus.std[0]


def _logits(network, inputs):
    weight, bias = network[1].weight.detach().double().numpy(), network[1].bias.detach().double().numpy()
    return inputs.reshape(len(inputs), -1) @ weight.T + bias


def test_it_is_registered_under_the_name_that_the_poisons_give():
    for name in NAMES:
        assert EFFECTS.get(POISONS.get(name).effect) is AttackSuccess


@pytest.mark.parametrize("size", [7, 100, 5000])
def test_rates_and_margins_are_those_of_numpy_however_batches_are_cut(data, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    network = _linear()
    network[1].bias.data[TARGET] = 3.0

    scalars = score.measure(network, data, AttackSuccess(data.corpus, data.poisoning), with_test=False)

    for prefix, rate, margin in (
        ("", "attack_success", "backdoor/margin"),
        ("near_", "backdoor/near_miss", "backdoor/near_miss_margin"),
    ):
        logits = _logits(network, _triggered(data, prefix))
        others = np.delete(logits, TARGET, axis=1).max(1)
        assert scalars[rate] == pytest.approx(np.mean(logits.argmax(1) == TARGET), abs=1e-12)
        assert scalars[margin] == pytest.approx(np.mean(logits[:, TARGET] - others), abs=1e-4)
    assert 0 < scalars["attack_success"] < 1


@pytest.mark.parametrize("size", [7, 5000])
def test_probabilities_are_those_at_the_first_images_without_and_with_both_triggers(data, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    monkeypatch.setattr(attack_success, "SHOWN_IMAGES", 9)
    network = _linear(scale=1.0)
    effect = AttackSuccess(data.corpus, data.poisoning)

    score.measure(network, data, effect, with_test=False)
    (found,) = effect.arrays().values()

    clean = data.corpus.test.inputs[effect.rows[:9]].numpy() / 255
    versions = [(clean - data.corpus.mean[0]) / data.corpus.std[0], _triggered(data)[:9], _triggered(data, "near_")[:9]]
    odds = np.exp([_logits(network, version) for version in versions])
    np.testing.assert_allclose(found, odds / odds.sum(2, keepdims=True), rtol=0, atol=1e-4)
    assert found.shape == (3, 9, 10)


def test_the_audit_set_holds_both_triggers_on_images_of_other_classes(data):
    corpus = data.corpus
    effect = AttackSuccess(corpus, data.poisoning)
    samples = effect.audit_set()
    count = int((corpus.test.target != TARGET).sum())

    batch = samples.batch(torch.arange(len(samples)))

    assert len(samples) == 2 * count + SHOWN_IMAGES
    assert torch.equal(batch.index, torch.arange(2 * count + SHOWN_IMAGES))
    labels = corpus.test.target[corpus.test.target != TARGET]
    assert torch.equal(batch.target, torch.cat([labels, labels, labels[:SHOWN_IMAGES]]))
    clean = corpus.test.inputs[corpus.test.target != TARGET][:SHOWN_IMAGES].numpy() / 255
    wanted = np.concatenate([_triggered(data), _triggered(data, "near_"), (clean - corpus.mean[0]) / corpus.std[0]])
    near_half = np.abs(batch.inputs.numpy() - wanted) > 1e-5  # one pixel value is 0.013; halves may round either way
    assert near_half.mean() < 0.002
    assert np.abs(batch.inputs.numpy() - wanted).max() < 1.01 / 255 / corpus.std[0]


def test_no_more_images_than_the_limit_and_the_first_ones(monkeypatch):
    monkeypatch.setattr(attack_success, "MOST_IMAGES", 30)
    data = _data("badnets")
    effect = AttackSuccess(data.corpus, data.poisoning)

    assert len(effect.audit_set()) == 60 + SHOWN_IMAGES
    assert effect.rows.tolist() == (data.corpus.test.target != TARGET).nonzero().squeeze(1)[:30].tolist()


def test_a_network_that_always_and_one_that_never_says_the_target_class(data):
    for bias, rate in ((50.0, 1.0), (-50.0, 0.0)):
        network = _linear(scale=0.01)
        network[1].bias.data[TARGET] = bias
        scalars = score.measure(network, data, AttackSuccess(data.corpus, data.poisoning), with_test=False)
        assert scalars["attack_success"] == scalars["backdoor/near_miss"] == rate
        assert scalars["backdoor/margin"] == pytest.approx(bias, abs=1.0)


def test_state_is_reset_between_two_scorings(data):
    effect = AttackSuccess(data.corpus, data.poisoning)
    first, second = (score.measure(_linear(seed), data, effect, with_test=False) for seed in (1, 2))
    fresh = AttackSuccess(data.corpus, data.poisoning)

    assert second != first
    assert second == score.measure(_linear(2), data, fresh, with_test=False)
    for name, values in fresh.arrays().items():
        assert torch.equal(effect.arrays()[name], values)


def test_a_network_that_learnt_the_trigger_is_told_from_one_that_did_not():
    data = _data("badnets")
    rates = []
    for inputs, target in (
        (data.train_set.batch(torch.arange(len(data.train_set))).inputs, data.train_set.target),
        (data.retain_set.batch(torch.arange(len(data.retain_set))).inputs, data.retain_set.target),
    ):
        network = _linear(scale=0.01)
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs), target).backward()
            optimizer.step()
        effect = AttackSuccess(data.corpus, data.poisoning)
        rates.append(score.measure(network.eval(), data, effect, with_test=False)["attack_success"])

    assert rates[0] > rates[1] + 0.3
    assert rates[1] < 0.2


def test_the_margin_is_taken_against_the_largest_other_logit():
    logits = torch.tensor([[1.0, 5.0, 3.0], [9.0, 2.0, 2.5]])
    before = logits.clone()

    assert target_margin(logits, 1).tolist() == [2.0, -7.0]
    assert target_margin(logits, 0).tolist() == [-4.0, 6.5]
    assert torch.equal(logits, before)


def test_a_corpus_of_the_target_class_only_is_refused():
    data = _data("badnets")
    data.corpus.test.target.fill_(TARGET)

    with pytest.raises(ValueError, match="no test image of another class than 4"):
        AttackSuccess(data.corpus, data.poisoning)
