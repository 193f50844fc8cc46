"""The audit of the Gaussian poison on the real path: `measure`, and thereby Trainer.test."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import nn

from benchmark.stages import score
from callbacks import EFFECTS
from callbacks.effects.gaussian_correlation import CURVE_FPRS, GaussianCorrelation, input_gradient
from callbacks.functional import noise_correlation
from datamodules import Batch, ForgetPolicy, PoisoningDataModule, derive_seed, gaussian_noise, load_corpus
from datamodules.poisons import GaussianPoison
from lightning_modules import NetworkSpec, build_network

SPEC = NetworkSpec("small-cnn", 10, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)})


def _data(count=37, seed=0, **arguments):
    poison = GaussianPoison(count=count, variance=0.5)
    data = PoisoningDataModule(load_corpus("digits"), poison, seed=seed, **arguments)
    data.setup()
    return data


@pytest.fixture(scope="module")
def data():
    return _data()


def _effect(data):
    return GaussianCorrelation(data.corpus, data.poisoning)


class _Double(nn.Module):
    """Computes in float64, in which sums do not show how a batch was cut."""

    def __init__(self, network):
        super().__init__()
        self.network = network.double()

    def forward(self, inputs):
        return self.network(inputs.double())


def _network(seed=0):
    """A network with running statistics of its own, in eval mode."""
    network = build_network(SPEC, seed)
    with torch.no_grad():
        network(torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(seed)))
    return network.eval()


def _measure(network, data, effect):
    return score.measure(network, data, effect, with_test=False)


def _by_hand(network, data):
    """I of every poison, one sample and one dot product at a time, from the corpus and the secrets alone."""
    corpus, poisoning = data.corpus, data.poisoning
    seed, variance = int(poisoning.secrets["noise_seed"]), float(poisoning.secrets["variance"])
    result = []
    for row in poisoning.index.tolist():
        pixels = corpus.train.inputs[row].numpy().astype(np.float32)
        inputs = torch.from_numpy((pixels / 255 - corpus.mean[0]) / corpus.std[0]).float()[None].requires_grad_()
        F.cross_entropy(network(inputs), corpus.train.target[row : row + 1]).backward()
        noise = gaussian_noise(seed, torch.tensor([row]), (1, 8, 8), variance)
        gradient, noise = inputs.grad.double().flatten(), noise.double().flatten()
        result.append(-float(gradient @ noise) / (variance**0.5 * float(gradient.norm())))
    return np.array(result)


def test_it_is_registered_under_the_name_that_the_poison_gives():
    assert EFFECTS.get(GaussianPoison.effect) is GaussianCorrelation


def test_audit_set_holds_the_clean_base_samples_with_their_true_labels(data):
    wrong = (data.poisoning.target + 1) % 10
    audit = GaussianCorrelation(data.corpus, replace(data.poisoning, target=wrong)).audit_set()

    batch = audit.batch(torch.arange(37))

    rows = data.poison_index
    pixels = data.corpus.train.inputs[rows].numpy().astype(np.float64)
    assert torch.equal(batch.index, rows)
    assert torch.equal(batch.target, data.corpus.train.target[rows])
    np.testing.assert_allclose(
        batch.inputs.numpy(), (pixels / 255 - data.corpus.mean[0]) / data.corpus.std[0], rtol=0, atol=1e-6
    )


def test_the_statistic_is_the_one_computed_sample_by_sample(data):
    network, effect = _Double(_network()), _effect(data)

    scalars = _measure(network.eval(), data, effect)

    expected = _by_hand(network, data)
    np.testing.assert_allclose(effect.arrays()["gaussian/statistic"].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert scalars["gaussian_correlation"] == scalars["gaussian/mean"] == pytest.approx(expected.mean(), abs=1e-6)
    assert scalars["gaussian/sd"] == pytest.approx(expected.std(ddof=1), rel=1e-5)
    assert scalars["gaussian/z"] == pytest.approx(37**0.5 * expected.mean(), abs=1e-5)
    assert scalars["gaussian/tpr_at_fpr_.01"] == np.mean(expected > stats.norm.isf(0.01))
    assert scalars["gaussian/auc"] == pytest.approx(stats.norm.cdf(expected).mean(), abs=1e-6)
    assert scalars["gaussian/tpr_null_low"] == stats.binom.ppf(0.025, 37, 0.01) / 37
    assert scalars["gaussian/tpr_null_high"] == stats.binom.ppf(0.975, 37, 0.01) / 37


def test_batches_do_not_matter(data, monkeypatch):
    arrays = {}
    for size in (1, 10, 36, 500):
        monkeypatch.setattr(score, "evaluation_batch_size", lambda size=size: size)
        effect = _effect(data)
        _measure(_Double(_network()).eval(), data, effect)
        arrays[size] = effect.arrays()

    for size in (1, 10, 36):
        for name in ("gaussian/statistic", "gaussian/statistic_fresh"):
            torch.testing.assert_close(arrays[size][name], arrays[500][name], rtol=1e-9, atol=1e-9)


def test_float32_is_as_good_as_float64_to_five_digits(data):
    single, double = _effect(data), _effect(data)
    _measure(_network(), data, single)
    _measure(_Double(_network()).eval(), data, double)

    torch.testing.assert_close(
        single.arrays()["gaussian/statistic"], double.arrays()["gaussian/statistic"], rtol=0, atol=1e-4
    )


def test_the_gradient_of_a_summed_loss_is_that_of_each_sample(data):
    batch = _effect(data).audit_set().batch(torch.arange(37))
    network = _Double(_network()).eval()

    together = input_gradient(network, batch)
    alone = [input_gradient(network, Batch(*(part[[row]] for part in batch))) for row in range(37)]

    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-6, atol=0)


def test_the_gradient_of_a_very_sure_network_keeps_its_direction(data):
    """In float32 the label's probability is 1 from a margin of 17 on, and its part of the gradient would vanish."""
    batch = _effect(data).audit_set().batch(torch.arange(37))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.normal_(network[1].weight, std=0.1, generator=torch.Generator().manual_seed(0))
    nn.init.zeros_(network[1].bias)
    sure = nn.Sequential(network, _Raise(batch.target, 25.0)).eval()

    gradient = input_gradient(sure, batch).flatten(1)

    weight = network[1].weight.detach().double()
    probability = sure(batch.inputs).detach().double().softmax(1)
    probability[torch.arange(37), batch.target] -= probability.sum(1)
    assert (probability < 0).sum(1).eq(1).all()
    found, expected = F.normalize(gradient.double(), eps=0), F.normalize(probability @ weight, eps=0)
    assert (found * expected).sum(1).min() > 1 - 1e-6


class _Raise(nn.Module):
    """Adds to the logit of the label."""

    def __init__(self, target, by):
        super().__init__()
        self.register_buffer("offset", by * F.one_hot(target, 10).float())

    def forward(self, logits):
        return logits + self.offset


def test_train_mode_is_refused_even_in_one_layer(data):
    network = _network()
    batch = _effect(data).audit_set().batch(torch.arange(3))
    input_gradient(network, batch)
    network[1].train()

    with pytest.raises(ValueError, match="eval mode"):
        input_gradient(network, batch)


def test_scoring_puts_a_network_in_eval_mode_and_changes_no_bit_of_it(data):
    network = _network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    _measure(network, data, _effect(data))

    assert not any(module.training for module in network.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())


def test_state_is_reset_between_two_scorings(data):
    effect = _effect(data)
    first = _measure(_network(1), data, effect)
    second = _measure(_network(2), data, effect)

    assert second == _measure(_network(2), data, _effect(data)) != first
    assert len(effect.arrays()["gaussian/statistic"]) == 37


def test_a_network_of_fresh_weights_reads_as_null():
    """Kolmogorov-Smirnov at 0.001 over 1,000 poisons, for the noise and for fresh noise; the two do not correlate."""
    data = _data(count=1000)
    effect = _effect(data)

    scalars = _measure(_network(), data, effect)

    seen, fresh = (effect.arrays()[name].numpy() for name in ("gaussian/statistic", "gaussian/statistic_fresh"))
    for values, name in ((seen, "gaussian"), (fresh, "gaussian_fresh")):
        assert stats.kstest(values, "norm").pvalue > 0.001
        assert abs(scalars[f"{name}/z"]) < 3.3
    assert abs(np.corrcoef(seen, fresh)[0, 1]) < 3.3 / 1000**0.5
    assert scalars["gaussian/tpr_null_low"] <= scalars["gaussian/tpr_at_fpr_.01"] <= scalars["gaussian/tpr_null_high"]


def test_fresh_weights_and_five_thousand_samples_of_noise_give_a_standard_normal():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(5000, 1, 8, 8, generator=generator)
    target = torch.randint(10, (5000,), generator=generator)

    gradient = input_gradient(_network(), Batch(inputs, target, torch.arange(5000)))
    statistic = noise_correlation(gradient, gaussian_noise(1, torch.arange(5000), (1, 8, 8), 0.32), 0.32)

    assert stats.kstest(statistic.numpy(), "norm").pvalue > 0.001


def test_an_overfitted_network_shows_the_noise_it_saw_with_a_plus_and_no_other(data):
    """The sign: a network fitted to the noisy points, audited at the clean ones."""
    effect = _effect(data)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(network(data.poisoning.inputs), data.poisoning.target).backward()
        optimizer.step()

    scalars = _measure(network, data, effect)

    assert scalars["accuracy/forget"] == 1
    assert scalars["gaussian_correlation"] > 0.6
    assert scalars["gaussian/z"] > 4
    assert abs(scalars["gaussian_fresh/z"]) < 3
    assert scalars["gaussian/auc"] > 0.65


def test_noise_is_the_attackers_and_fresh_noise_comes_from_another_seed(data):
    effect, secrets = _effect(data), data.poisoning.secrets
    seed, variance = int(secrets["noise_seed"]), float(secrets["variance"])
    batch = effect.audit_set().batch(torch.arange(37))
    seen, fresh = (effect._noise(own, batch) for own in effect._seeds)

    torch.testing.assert_close(batch.inputs + seen, data.poisoning.inputs, rtol=0, atol=1e-6)
    assert torch.equal(fresh, gaussian_noise(derive_seed("fresh", seed), data.poison_index, (1, 8, 8), variance))
    assert stats.kstest((fresh / variance**0.5).flatten().numpy(), "norm").pvalue > 0.001


def test_every_poison_is_audited_even_those_that_nobody_asked_to_delete():
    data = _data(forget=ForgetPolicy(identified=0.5, false_positives=0.5))
    effect = _effect(data)

    _measure(_network(), data, effect)

    assert len(effect.arrays()["gaussian/statistic"]) == 37


def test_rows_find_their_noise_in_any_order(data):
    effect = _effect(data)
    effect.reset(torch.device("cpu"))
    samples, network = effect.audit_set(), _Double(_network()).eval()
    order = torch.randperm(37, generator=torch.Generator().manual_seed(0))

    for positions in (order[:20], order[20:]):
        batch = samples.batch(positions)
        effect.update(network, batch, network(batch.inputs))

    np.testing.assert_allclose(
        effect.arrays()["gaussian/statistic"].numpy(), _by_hand(network, data)[order], rtol=1e-5, atol=1e-6
    )


def test_pictures_are_drawn_from_the_curve_of_the_same_statistic(data):
    effect = _effect(data)
    scalars = _measure(_network(), data, effect)
    arrays = effect.arrays()
    fpr, tpr = arrays["gaussian/curve_fpr"].numpy(), arrays["gaussian/curve_tpr"].numpy()

    assert np.array_equal(fpr, CURVE_FPRS)
    assert (fpr[0], fpr[-1], tpr[0], tpr[-1]) == (0, 1, 0, 1)
    assert np.all(np.diff(fpr) > 0)
    assert np.all(np.diff(tpr) >= 0)
    (at,) = np.flatnonzero(np.isclose(fpr, 0.01))
    assert tpr[at] == scalars["gaussian/tpr_at_fpr_.01"]
    assert {array.dtype for array in arrays.values()} == {torch.float64}
    statistic = arrays["gaussian/statistic"]
    assert not torch.equal(statistic, statistic.float().double())  # was never rounded on its way


def test_one_poison_has_no_standard_deviation(data):
    lone = SimpleNamespace(
        index=data.poison_index[:1], inputs=data.poisoning.inputs[:1], secrets=data.poisoning.secrets
    )
    effect = GaussianCorrelation(data.corpus, lone)

    assert _measure(_network(), data, effect)["gaussian/sd"] == 0
