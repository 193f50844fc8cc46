"""Gradients that cancel: against plain autograd on the whole loss, and networks that stay as they are."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from datamodules.gradient_canceling import (
    ascend,
    canceling_gradient,
    gradient_to_cancel,
    layer_parameters,
    norm_of,
    remaining_gradient,
    summed_gradient,
    total_gradient,
)
from datamodules.gradient_matching import batches

DECAY = 0.01


def _network(seed=0):
    """A network with running statistics of its own, in eval mode and float64."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)
        ).double()
        network(torch.randn(50, 2, 4, 4).double() * 2 + 1)
    return network.eval()


def _samples(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2, 4, 4, generator=generator).double(), torch.randint(3, (count,), generator=generator)


def _batched(inputs, target, size):
    return lambda: ((inputs[rows], target[rows]) for rows in batches(len(inputs), size))


def _flat(gradient):
    return torch.cat([part.flatten() for part in gradient])


def test_layers_are_found_by_name():
    network = _network()

    assert layer_parameters(network, "all") == [name for name, _ in network.named_parameters()]
    assert layer_parameters(network, "4") == ["4.weight", "4.bias"]
    with pytest.raises(ValueError, match="layer must be 'all' or one of 0, 1, 4, got '2'"):
        layer_parameters(network, "2")


@pytest.mark.parametrize("layer", ["all", "4"])
def test_what_remains_is_the_gradient_of_the_whole_training_loss(layer):
    """Times the number of samples; mean cross-entropy and penalty are differentiated together by autograd."""
    network = _network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    names = layer_parameters(network, layer)
    clean, poisons = _samples(7), _samples(4, seed=1)

    wanted = gradient_to_cancel(network, names, _batched(*clean, 3), weight_decay=DECAY, total=11)
    left = remaining_gradient(network, names, wanted, *poisons, batch_size=3)

    parameters = [parameter for name, parameter in network.named_parameters() if name in names]
    loss = F.cross_entropy(network(torch.cat([clean[0], poisons[0]])), torch.cat([clean[1], poisons[1]]))
    loss = loss + DECAY / 2 * sum(parameter.square().sum() for parameter in parameters)
    expected = _flat(torch.autograd.grad(loss, parameters))
    assert torch.allclose(_flat(left), 11 * expected)
    assert norm_of(left) == pytest.approx(float(11 * expected.norm()))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_batches_make_no_difference():
    network, (inputs, target) = _network(), _samples(7)
    names = layer_parameters(network, "all")

    whole = summed_gradient(network, names, inputs, target)
    assert torch.allclose(_flat(total_gradient(network, names, _batched(inputs, target, 2))), _flat(whole))


@pytest.mark.parametrize("layer", ["all", "4"])
def test_the_gradient_of_a_pixel_is_the_slope_of_half_the_squared_norm(layer):
    """By central differences."""
    network, (inputs, target) = _network(), _samples(4)
    names = layer_parameters(network, layer)
    wanted = gradient_to_cancel(network, names, _batched(*_samples(7, seed=1), 7), weight_decay=DECAY, total=11)

    def objective(moved):
        return norm_of(remaining_gradient(network, names, wanted, moved, target, 2)) ** 2 / 2

    left = remaining_gradient(network, names, wanted, inputs, target, 2)
    parts = [canceling_gradient(network, names, left, inputs[rows], target[rows]) for rows in batches(4, 3)]
    found = torch.cat(parts)

    for place in ((0, 0, 0, 0), (1, 1, 2, 3), (3, 0, 1, 2)):
        step = torch.zeros_like(inputs)
        step[place] = 1e-5
        slope = (objective(inputs + step) - objective(inputs - step)) / 2e-5
        assert float(found[place]) == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("layer", ["all", "4"])
def test_ascent_raises_the_loss_and_stays_in_its_ball(layer):
    network, (inputs, target) = _network(), _samples(20)
    names = layer_parameters(network, layer)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    losses = [float(F.cross_entropy(network(inputs), target).detach())]

    for radius in (0.1, 0.5):
        network.load_state_dict(before)
        ascend(network, names, _batched(inputs, target, 6), target_norm=radius, steps=10)
        moved = {name: tensor - before[name] for name, tensor in network.state_dict().items()}
        assert norm_of(tuple(moved[name] for name in names)) == pytest.approx(radius)
        assert all((moved[name] == 0).all() for name in moved if name not in names)
        losses.append(float(F.cross_entropy(network(inputs), target).detach()))

    assert losses == sorted(losses)
    assert losses[-1] > losses[0] + 0.1


def test_a_network_in_train_mode_is_refused():
    network, (inputs, target) = _network().train(), _samples(3)
    with pytest.raises(ValueError, match="eval mode"):
        summed_gradient(network, ["4.weight"], inputs, target)
