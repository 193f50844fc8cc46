"""The audits of wrong labels against numpy and scikit-learn, on the real path."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, recall_score
from torch import nn

from benchmark.stages import score
from callbacks import EFFECTS
from callbacks.effects.label_confusion import LabelConfusion, confusion_rates
from callbacks.effects.test_error import TestError, error_and_class_accuracies
from datamodules import POISONS, PoisoningDataModule, load_corpus

COUNTS = np.array([[6.0, 3.0, 1.0], [2.0, 10.0, 8.0], [0.0, 0.0, 0.0]])


def _data(name, **options):
    data = PoisoningDataModule(load_corpus("digits"), POISONS.get(name)(count=20, **options), seed=1)
    data.setup()
    return data


@pytest.fixture(scope="module")
def flipped():
    return _data("label-flip")


@pytest.fixture(scope="module")
def swapped():
    return _data("label-swap", classes=(8, 1))


def _linear(seed=0):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.normal_(network[1].weight, std=0.3, generator=torch.Generator().manual_seed(seed))
    nn.init.zeros_(network[1].bias)
    return network.eval()


def _answers(network, corpus):
    inputs = (corpus.test.inputs.float() / 255 - corpus.mean[0]) / corpus.std[0]
    return network(inputs).argmax(1).numpy(), corpus.test.target.numpy()


def test_they_are_registered_under_the_names_that_the_poisons_give():
    assert EFFECTS.get(POISONS.get("label-flip").effect) is TestError
    assert EFFECTS.get(POISONS.get("label-swap").effect) is LabelConfusion


@pytest.mark.parametrize("size", [13, 5000])
def test_the_error_is_that_of_scikit_learn(flipped, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    network, corpus = _linear(), flipped.corpus

    scalars = score.measure(network, flipped, TestError(corpus, flipped.poisoning), with_test=True)

    said, target = _answers(network, corpus)
    assert scalars["test_error"] == pytest.approx(1 - accuracy_score(target, said), abs=1e-12)
    assert scalars["test_error"] == pytest.approx(1 - scalars["accuracy/test"], abs=1e-6)
    recalls = recall_score(target, said, average=None, labels=range(10), zero_division=0)
    found = [scalars[f"class_accuracy/{name}"] for name in corpus.class_names]
    np.testing.assert_allclose(found, recalls, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [13, 5000])
def test_the_confusion_is_that_of_numpy(swapped, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    network, corpus = _linear(3), swapped.corpus
    effect = LabelConfusion(corpus, swapped.poisoning)

    scalars = score.measure(network, swapped, effect, with_test=False)

    said, target = _answers(network, corpus)
    here = np.isin(target, (1, 8))
    assert scalars["label_confusion"] == pytest.approx(np.mean(said[here] == 9 - target[here]), abs=1e-12)
    assert scalars["confusion/8_as_1"] == pytest.approx(np.mean(said[target == 8] == 1), abs=1e-12)
    assert scalars["confusion/1_as_8"] == pytest.approx(np.mean(said[target == 1] == 8), abs=1e-12)
    assert scalars["confusion/accuracy"] == pytest.approx(np.mean(said[here] == target[here]), abs=1e-12)
    assert effect.audit_set() is None
    assert "accuracy/test" not in scalars


@pytest.mark.parametrize(("name", "effect"), [("flipped", TestError), ("swapped", LabelConfusion)])
def test_state_is_reset_between_two_scorings(name, effect, request):
    data = request.getfixturevalue(name)
    audit = effect(data.corpus, data.poisoning)
    first, second = (score.measure(_linear(seed), data, audit, with_test=False) for seed in (1, 2))

    assert second != first
    assert second == score.measure(_linear(2), data, effect(data.corpus, data.poisoning), with_test=False)


def test_a_network_taught_swapped_labels_confuses_the_two_classes(swapped):
    data = _data("label-swap", classes=(8, 1))
    target = data.corpus.train.target.clone()
    for one, other in ((8, 1), (1, 8)):
        target[data.corpus.train.target == one] = other
    rates = []
    for labels in (target, data.corpus.train.target):
        network = _linear()
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        inputs = data.clean_set().batch(torch.arange(len(target))).inputs
        for _ in range(150):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs), labels).backward()
            optimizer.step()
        effect = LabelConfusion(data.corpus, data.poisoning)
        rates.append(score.measure(network.eval(), data, effect, with_test=False)["label_confusion"])

    assert rates[0] > 0.7
    assert rates[1] < 0.1


def test_error_and_class_accuracies_by_hand():
    error, accuracies = error_and_class_accuracies(COUNTS)

    assert error == pytest.approx(14 / 30)
    np.testing.assert_allclose(accuracies, [0.6, 0.5, np.nan])


def test_confusion_rates_by_hand():
    assert confusion_rates(COUNTS, 0, 1) == pytest.approx((5 / 30, 0.3, 0.1, 16 / 30))
    assert confusion_rates(COUNTS, 1, 0) == pytest.approx((5 / 30, 0.1, 0.3, 16 / 30))


def test_a_class_without_test_images_cannot_be_confused():
    data = _data("label-swap", classes=(8, 1))
    data.corpus.test.target[data.corpus.test.target == 1] = 2

    with pytest.raises(ValueError, match="no test image of class 1"):
        LabelConfusion(data.corpus, data.poisoning)
