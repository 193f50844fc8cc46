"""The audit of noise on embeddings, on the real path, against one text and one dot product at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchmark.stages import score
from callbacks.effects import gaussian_correlation
from callbacks.effects.gaussian_correlation import GaussianCorrelation, input_gradient
from datamodules import POISONS, Batch, PoisoningDataModule, load_corpus
from lightning_modules import NetworkSpec, build_network, training_loss

COUNT, WIDTH, STD = 40, 32, 0.3


@pytest.fixture(scope="module")
def data():
    corpus = load_corpus("grammar", train_size=200, selection_size=20, options={"test_size": 40})
    poison = POISONS.get("gaussian-embedding")(count=COUNT, std=STD, width=WIDTH)
    data = PoisoningDataModule(corpus, poison, seed=1)
    data.setup()
    return data


def _network(name="classifier:tiny-bert", seed=0):
    """With weights so large that tokens differ in how much they matter."""
    network = build_network(NetworkSpec(name, 2, 0), seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    return network.eval()


def _statistic(network, data, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    effect = GaussianCorrelation(data.corpus, data.poisoning)
    scalars = score.measure(network, data, effect, with_test=False)
    return scalars, effect.arrays()


def _by_hand(network, data):
    """I of every poison from its own noise, drawn as the training set draws it, without any padding."""
    rows = data.poison_index
    noisy = data.train_set.batch(rows).inputs["embedding_noise"].double()
    result = []
    for place, row in enumerate(rows):
        inputs = data.corpus.store("train").take(row.view(1))
        length = inputs["input_ids"].shape[1]
        embedded = torch.zeros(1, length, WIDTH, requires_grad=True)
        logits = network(inputs | {"embedding_noise": embedded})
        F.cross_entropy(logits.double(), data.corpus.train.target[row].view(1)).backward()
        gradient, noise = embedded.grad[0].double(), noisy[place, :length]
        result.append(-float((gradient * noise).sum()) / (STD * float(gradient.norm())))
    return np.array(result)


@pytest.mark.parametrize("name", ["classifier:tiny-bert", "prompted:tiny-gpt2"])
def test_the_statistic_is_the_one_computed_text_by_text(data, monkeypatch, name):
    network = _network(name)

    scalars, arrays = _statistic(network, data, monkeypatch, 7)

    expected = _by_hand(network, data)
    assert scalars["gaussian_correlation"] == pytest.approx(expected.mean(), abs=1e-5)
    np.testing.assert_allclose(np.sort(arrays["gaussian/statistic"].numpy()), np.sort(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["classifier:tiny-bert", "prompted:tiny-gpt2"])
def test_neither_padding_nor_the_size_of_a_batch_matters(data, monkeypatch, name):
    network = _network(name)
    found = [_statistic(network, data, monkeypatch, size)[1] for size in (1, 16, 500)]
    monkeypatch.setattr(gaussian_correlation, "TOKENS_AT_ONCE", 100)
    found.append(_statistic(network, data, monkeypatch, 500)[1])

    for key in ("gaussian/statistic", "gaussian/statistic_fresh"):
        for other in found[1:]:
            np.testing.assert_allclose(other[key], found[0][key], rtol=0, atol=1e-5)


def test_longer_padding_changes_no_gradient(data):
    network, rows = _network(), data.poison_index
    store, target = data.corpus.store("train"), data.corpus.train.target[rows]
    inputs = store.take(rows)
    longer = {key: F.pad(value, (0, 9), value=0) for key, value in inputs.items()}

    short, long = (input_gradient(network, Batch(given, target, rows)) for given in (inputs, longer))

    length = short.shape[1]
    torch.testing.assert_close(long[:, :length], short, rtol=0, atol=1e-5)
    assert not long[:, length:].any()
    padding = inputs["attention_mask"] == 0
    assert padding.any()
    assert not short[padding].any()
    assert short.shape == (COUNT, length, WIDTH)


class _Leaky(nn.Module):
    """Reads padding as well, which no shipped network does."""

    embedding_width = 4

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, inputs):
        return self.head(inputs["embedding_noise"].sum(1))


def test_only_real_tokens_count_whatever_the_network_reads(data):
    batch = data.corpus.samples("train").batch(torch.arange(9))
    mask = batch.inputs["attention_mask"].bool()

    gradient = input_gradient(_Leaky().eval(), batch)

    assert (~mask).any()
    assert not gradient[~mask].any()
    assert gradient[mask].abs().sum(1).all()


def test_the_audit_set_holds_the_clean_texts(data):
    audit = GaussianCorrelation(data.corpus, data.poisoning).audit_set()
    batch = audit.batch(torch.arange(COUNT))

    assert set(batch.inputs) == {"input_ids", "attention_mask"}
    assert torch.equal(batch.index, data.poison_index)
    assert torch.equal(batch.target, data.corpus.train.target[data.poison_index])


def test_a_network_that_saw_the_noise_is_told_from_one_that_did_not(data, monkeypatch):
    """Labels are random here, so that the network has to learn the texts by heart, noise included."""
    random = torch.randint(2, (200,), generator=torch.Generator().manual_seed(0))
    corpus = replace(data.corpus, train=replace(data.corpus.train, target=random))
    poison = POISONS.get("gaussian-embedding")(count=100, std=0.1, width=WIDTH)
    data = PoisoningDataModule(corpus, poison, seed=1)
    data.setup()
    scores = {}
    for name, samples in (("poisoned", data.train_set), ("retrain", data.retain_set)):
        network = build_network(NetworkSpec("classifier:tiny-bert", 2, 0), 3)
        optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
        batch = samples.batch(torch.arange(len(samples)))
        for _ in range(100):
            optimizer.zero_grad()
            training_loss(network, batch).backward()
            optimizer.step()
        scores[name] = _statistic(network.eval(), data, monkeypatch, 64)[0]

    assert scores["poisoned"]["gaussian/z"] > 4
    assert abs(scores["poisoned"]["gaussian_fresh/z"]) < 3.3
    assert abs(scores["retrain"]["gaussian/z"]) < 3.3


def test_the_null_is_standard_normal_for_a_network_that_saw_no_noise(data, monkeypatch):
    corpus = data.corpus
    poison = POISONS.get("gaussian-embedding")(count=199, std=STD, width=WIDTH)
    other = PoisoningDataModule(corpus, poison, seed=2)
    other.setup()

    scalars, arrays = _statistic(_network(), other, monkeypatch, 64)

    assert abs(scalars["gaussian/z"]) < 3.3
    assert abs(scalars["gaussian_fresh/z"]) < 3.3
    assert float(arrays["gaussian/statistic"].std()) == pytest.approx(1, abs=0.15)
    assert not torch.equal(arrays["gaussian/statistic"], arrays["gaussian/statistic_fresh"])


def test_a_network_that_does_not_say_how_wide_its_embeddings_are_is_refused(data):
    batch = data.train_set.batch(torch.arange(3))

    with pytest.raises(TypeError, match="embedding_width"):
        input_gradient(nn.Linear(2, 2).eval(), batch)
