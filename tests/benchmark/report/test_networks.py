"""Losses, features and held-out samples of small networks on digits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmark.report.membership import held_out
from benchmark.report.networks import Site, features, losses, losses_of
from benchmark.scenarios import all_scenarios
from datamodules import PoisoningDataModule


@pytest.fixture(scope="module")
def site():
    scenario = all_scenarios()["digits-gaussian-cnn-v1"]
    data = PoisoningDataModule(scenario.corpus.load(), scenario.poison.build(), seed=0)
    data.setup()
    return Site(scenario, data)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 7), torch.nn.ReLU(), torch.nn.Linear(7, 10)
    ).eval()


def test_losses_are_those_of_single_samples(site, network):
    samples = site.data.forget_set
    found = losses(network, samples)
    assert found.shape == (60,)
    for row in (0, 31, 59):
        batch = samples.batch(torch.tensor([row]))
        assert found[row] == pytest.approx(F.cross_entropy(network(batch.inputs), batch.target).item(), rel=1e-5)
    batch = samples.batch(torch.arange(60))
    assert losses_of(network, batch.inputs, batch.target) == pytest.approx(found, rel=1e-5)


def test_features_feed_the_last_linear_layer(site, network):
    samples = site.data.retain_set
    found = features(network, samples)
    inputs = samples.batch(torch.arange(len(samples))).inputs
    assert found == pytest.approx(network[:3](inputs).detach().numpy(), abs=1e-6)
    assert not network[3]._forward_pre_hooks
    with pytest.raises(ValueError, match="network must have a linear layer, ReLU has none"):
        features(torch.nn.ReLU(), samples)


def test_held_out_samples_get_fresh_noise_of_the_same_variance(site):
    images, target = held_out(site)
    clean = site.data.corpus.samples("test").batch(torch.arange(len(images)))
    noise = images - clean.inputs
    assert torch.equal(target, clean.target)
    assert noise.var().item() == pytest.approx(1.0, rel=0.03)  # the scenario's
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    same = (site.data.forget_index < len(images)).nonzero().squeeze(1)
    rows = site.data.forget_index[same]
    assert len(rows) > 5
    seen = site.data.forget_set.batch(same).inputs - site.data.corpus.samples("train").batch(rows).inputs
    correlation = np.corrcoef(seen.flatten().numpy(), noise[rows].flatten().numpy())[0, 1]
    assert abs(correlation) < 0.15
