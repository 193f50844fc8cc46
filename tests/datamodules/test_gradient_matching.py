"""Gradients that match: values, the authors' own numbers, and networks that stay as they are."""

import json
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from datamodules.gradient_matching import (
    batches,
    features,
    gradient_norms,
    loss_gradient,
    matching_gradient,
    matching_loss,
    matching_value,
    outputs,
    step_milestones,
)

ORACLE = Path(__file__).parents[1] / "oracles" / "gradmatch_case1"


def _small(seed=0):
    """A network with running statistics of its own, in eval mode and float64."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)
        ).double()
        network(torch.randn(50, 2, 4, 4).double() * 2 + 1)
    return network.eval()


def _batch(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 2, 4, 4, generator=generator).double()
    return inputs, torch.randint(3, (count,), generator=generator)


@pytest.fixture(scope="module")
def oracle():
    return load_file(ORACLE.with_suffix(".safetensors"))


@pytest.fixture
def network(oracle, oracle_network):
    return oracle_network(oracle).eval()


def test_loss_and_pixel_gradient_are_those_of_the_authors(oracle, network):
    """Loss at 1e-5, gradient at 1e-4 of its largest entry; the network keeps every bit."""
    cuts = json.loads(ORACLE.with_suffix(".json").read_text())["batches"]["poison"]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    wanted = loss_gradient(network, oracle["target.x"], oracle["target.y"])
    found = [
        matching_gradient([network], (oracle["poison.x"] + oracle["delta"])[cut], oracle["poison.y"][cut], [wanted])
        for cut in (slice(*cut) for cut in cuts)
    ]

    losses = torch.tensor([loss for loss, _ in found])
    torch.testing.assert_close(losses, oracle["batch_loss"], rtol=0, atol=1e-5)
    torch.testing.assert_close(losses.mean(), oracle["loss"], rtol=0, atol=1e-5)
    tolerance = 1e-4 * float(oracle["delta_grad"].abs().max())
    torch.testing.assert_close(torch.cat([delta for _, delta in found]), oracle["delta_grad"], rtol=0, atol=tolerance)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())
    assert not any(module.training for module in network.modules())


def test_the_target_gradient_is_that_of_the_authors(oracle, network):
    wanted = loss_gradient(network, oracle["target.x"], oracle["target.y"])

    for (name, _), found in zip(network.named_parameters(), wanted, strict=True):
        torch.testing.assert_close(found, oracle[f"target_grad.{name}"], rtol=0, atol=1e-5)
    norm = torch.stack([part.norm() for part in wanted]).norm()
    torch.testing.assert_close(norm, oracle["target_grad_norm"], rtol=1e-5, atol=0)


def test_the_loss_gradient_is_that_of_backward_also_where_parameters_are_frozen():
    network, (inputs, target) = _small(), _batch(7)
    F.cross_entropy(network(inputs), target).backward()
    expected = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    network.requires_grad_(False)

    found = loss_gradient(network, inputs, target)

    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)
    assert not any(part.requires_grad for part in found)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_matching_loss_is_one_minus_the_cosine_of_two_long_vectors():
    one = (torch.tensor([[1.0, 2.0]]), torch.tensor([-3.0]))
    other = (torch.tensor([[0.5, -1.0]]), torch.tensor([4.0]))

    expected = 1 - (0.5 - 2 - 12) / (math.sqrt(14) * math.sqrt(17.25))
    assert float(matching_loss(one, other)) == pytest.approx(expected, rel=1e-6)
    assert float(matching_loss(one, tuple(7 * part for part in one))) == pytest.approx(0, abs=1e-6)
    assert float(matching_loss(one, tuple(-part for part in one))) == pytest.approx(2, rel=1e-6)


def test_poisons_without_any_gradient_stay_finite():
    network, (inputs, target) = _small(), _batch(2)
    wanted = loss_gradient(network, *_batch(1, seed=1))
    with torch.no_grad():
        network[4].weight.zero_()
        network[4].bias.copy_(torch.tensor([1e4, 0, 0]))

    value, gradient = matching_gradient([network], inputs, torch.zeros_like(target), [wanted])

    assert value == 1
    assert torch.equal(gradient, torch.zeros_like(inputs))


def test_the_gradient_is_that_of_finite_differences():
    network, (inputs, target) = _small(), _batch(4)
    wanted = loss_gradient(network, *_batch(1, seed=1))

    value, gradient = matching_gradient([network], inputs, target, [wanted])

    assert value == pytest.approx(matching_value(network, inputs, target, wanted), rel=1e-12)
    for place in ((0, 0, 1, 2), (3, 1, 0, 0), (2, 0, 3, 3)):
        step = torch.zeros_like(inputs)
        step[place] = 1e-6
        ends = [matching_value(network, inputs + sign * step, target, wanted) for sign in (1, -1)]
        assert float(gradient[place]) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-9)


def test_an_ensemble_is_averaged():
    networks, (inputs, target) = [_small(0), _small(1)], _batch(4)
    wanted = [loss_gradient(network, *_batch(1, seed=1)) for network in networks]

    value, gradient = matching_gradient(networks, inputs, target, wanted)
    alone = [
        matching_gradient([network], inputs, target, [part]) for network, part in zip(networks, wanted, strict=True)
    ]

    assert value == pytest.approx((alone[0][0] + alone[1][0]) / 2, rel=1e-12)
    torch.testing.assert_close(gradient, (alone[0][1] + alone[1][1]) / 2, rtol=1e-12, atol=0)


def test_it_works_without_gradients_and_on_inputs_with_a_graph():
    network, (inputs, target) = _small(), _batch(3)
    wanted = loss_gradient(network, *_batch(1, seed=1))
    leaf = inputs.clone().requires_grad_()
    _, expected = matching_gradient([network], inputs, target, [wanted])

    with torch.no_grad():
        _, without = matching_gradient([network], inputs, target, [wanted])
    _, within = matching_gradient([network], leaf * 1.0, target, [wanted])

    assert torch.equal(without, expected)
    assert torch.equal(within, expected)
    assert leaf.grad is None


def test_train_mode_is_refused_even_in_one_layer():
    network, (inputs, target) = _small(), _batch(3)
    network[1].train()

    for refused in (
        lambda: loss_gradient(network, inputs, target),
        lambda: outputs(network, inputs),
        lambda: features(network, inputs),
    ):
        with pytest.raises(ValueError, match="eval mode"):
            refused()


def test_gradient_norms_are_those_of_each_sample_alone():
    networks, (inputs, target) = [_small(0), _small(1)], _batch(5)

    norms = gradient_norms(networks, inputs, target)

    for row in range(5):
        expected = []
        for network in networks:
            network.zero_grad()
            F.cross_entropy(network(inputs[[row]]), target[[row]]).backward()
            expected.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters()]).norm())
        assert float(norms[row]) == pytest.approx(float(sum(expected)) / 2, rel=1e-5)


def test_outputs_and_features_do_not_depend_on_the_batch_size():
    network, (inputs, _) = _small(), _batch(5)

    seen = features(network, inputs, batch_size=2)

    torch.testing.assert_close(seen, network[:4](inputs).float())
    torch.testing.assert_close(outputs(network, inputs, batch_size=2), network(inputs).float())
    assert not network[4]._forward_pre_hooks
    with pytest.raises(ValueError, match="no"):
        features(nn.Sequential(nn.Flatten()).eval(), inputs)


def test_milestones_are_those_of_the_paper():
    assert step_milestones(250) == [94, 156, 219]
    assert step_milestones(80) == [30, 50, 70]
    assert step_milestones(1) == [1]


def test_batches_cover_every_row_once():
    assert list(batches(7, 3)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(batches(3, 5)) == [slice(0, 3)]
