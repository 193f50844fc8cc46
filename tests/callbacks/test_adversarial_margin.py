"""The audit of targeted poisons on the real path: `measure`, and thereby Trainer.test."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.stages import score
from callbacks import EFFECTS
from callbacks.effects.adversarial_margin import AdversarialMargin, adversarial_margin
from datamodules import Batch, Poisoning, PoisoningDataModule, load_corpus
from datamodules.poisons import GaussianPoison
from datamodules.poisons.gradient_matching import GradientMatching
from lightning_modules import NetworkSpec, build_network

SPEC = NetworkSpec("small-cnn", 10, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)})
ROWS = [31, 4, 17, 60, 2]


def _poisoning(corpus):
    """Five targets, in no order, on harmless poisons."""
    index = torch.arange(20)
    inputs = torch.zeros(20, *corpus.input_shape)
    rows = torch.tensor(ROWS)
    true_classes = corpus.test.target[rows]
    secrets = {
        "target_rows": rows,
        "true_classes": true_classes,
        "adversarial_classes": (true_classes + torch.tensor([1, 3, 5, 7, 9])) % 10,
    }
    return Poisoning(index, inputs, corpus.train.target[index], secrets)


@pytest.fixture(scope="module")
def data():
    corpus = load_corpus("digits")
    data = PoisoningDataModule(corpus, GaussianPoison(count=1), seed=0, poisoning=_poisoning(corpus))
    data.setup()
    return data


def _network(seed=0):
    network = build_network(SPEC, seed)
    with torch.no_grad():
        network(torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(seed)))
    return network.eval()


def _logits(network, data):
    corpus = data.corpus
    pixels = corpus.test.inputs[ROWS].numpy().astype(np.float64)
    inputs = torch.from_numpy((pixels / 255 - corpus.mean[0]) / corpus.std[0]).float()
    with torch.no_grad():
        return network(inputs).double().numpy()


def _measured(network, data):
    effect = AdversarialMargin(data.corpus, data.poisoning)
    return score.measure(network, data, effect, with_test=False), effect.arrays()


def test_it_is_registered_under_the_name_that_the_poison_gives():
    assert EFFECTS.get(GradientMatching.effect) is AdversarialMargin


def test_audit_set_holds_the_targets_of_the_test_split_with_their_true_labels(data):
    batch = AdversarialMargin(data.corpus, data.poisoning).audit_set().batch(torch.arange(5))

    assert batch.index.tolist() == ROWS
    assert torch.equal(batch.target, data.corpus.test.target[ROWS])
    pixels = data.corpus.test.inputs[ROWS].float()
    torch.testing.assert_close(batch.inputs, (pixels / 255 - data.corpus.mean[0]) / data.corpus.std[0])


@pytest.mark.parametrize("size", [1, 2, 500])
def test_numbers_are_those_of_numpy_however_batches_are_cut(data, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    network, secrets = _network(), data.poisoning.secrets

    scalars, arrays = _measured(network, data)

    logits, rows = _logits(network, data), np.arange(5)
    wanted, true = secrets["adversarial_classes"].numpy(), secrets["true_classes"].numpy()
    margin = np.array([row[label] - max(np.delete(row, label)) for row, label in zip(logits, wanted, strict=True)])
    log_odds = logits[rows, wanted] - logits[rows, true]
    assert [scalars[f"adversarial/margin.{pair}"] for pair in range(5)] == pytest.approx(margin, abs=1e-5)
    odds = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(arrays["adversarial/probability"], odds, rtol=0, atol=1e-5)
    assert scalars["adversarial_margin"] == pytest.approx(margin.mean(), abs=1e-5)
    assert scalars["adversarial/log_odds"] == pytest.approx(log_odds.mean(), abs=1e-5)
    assert scalars["adversarial/success"] == np.mean(logits.argmax(1) == wanted)
    assert list(arrays) == ["adversarial/probability"]


@pytest.mark.parametrize(("right", "share"), [([], 0.0), ([1], 0.2), ([0, 3, 4], 0.6), ([0, 1, 2, 3, 4], 1.0)])
def test_success_counts_the_targets_that_were_fooled(data, right, share):
    effect = AdversarialMargin(data.corpus, data.poisoning)
    logits = torch.zeros(5, 10)
    logits[range(5), data.poisoning.secrets["true_classes"]] = 1
    logits[right, data.poisoning.secrets["adversarial_classes"][right]] = 3
    effect.reset(torch.device("cpu"))
    batch = effect.audit_set().batch(torch.arange(5))
    for part in ([3, 0], [4], [2, 1]):  # as they come from several processes
        effect.update(torch.nn.Identity(), Batch(*(tensor[part] for tensor in batch)), logits[part])

    scalars = effect.scalars()

    assert scalars["adversarial/success"] == share
    assert {pair: scalars[f"adversarial/margin.{pair}"] for pair in range(5)} == {
        pair: 2.0 if pair in right else -1.0 for pair in range(5)
    }


def test_a_margin_leaves_its_logits_alone():
    logits = np.array([[1.0, 4.0, 2.5]])

    assert adversarial_margin(logits, np.array([1])) == 1.5
    assert adversarial_margin(logits, np.array([2])) == -1.5
    assert logits.tolist() == [[1.0, 4.0, 2.5]]


def test_state_is_reset_between_two_scorings(data):
    effect = AdversarialMargin(data.corpus, data.poisoning)
    first = score.measure(_network(1), data, effect, with_test=False)
    second = score.measure(_network(2), data, effect, with_test=False)

    assert second == _measured(_network(2), data)[0] != first
    assert len(effect.arrays()["adversarial/probability"]) == 5


def test_one_image_cannot_be_two_targets(data):
    secrets = data.poisoning.secrets | {"target_rows": torch.tensor([3, 3, 1, 2, 4])}
    with pytest.raises(ValueError, match="target_rows must differ"):
        AdversarialMargin(data.corpus, replace(data.poisoning, secrets=secrets))
