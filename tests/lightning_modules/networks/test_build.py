import copy

import pytest
import torch
from torch import nn

from datamodules import UnknownNameError
from lightning_modules import NetworkSpec, build_network, fresh_copy

SMALL = NetworkSpec("small-cnn", 4, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)})
SPECS = {
    "small-cnn": (SMALL, (1, 8, 8)),
    "resnet18-cifar": (NetworkSpec("resnet18-cifar", 5), (3, 32, 32)),
    "timm:resnet10t": (NetworkSpec("timm:resnet10t", 3, 2), (2, 32, 32)),
    "timm:test_vit": (NetworkSpec("timm:test_vit", 3, options={"img_size": 32}), (3, 32, 32)),
}


def same(one, other):
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def hand_made():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 4))


def trained(network, shape, classes):
    """Move weights and running statistics."""
    network = copy.deepcopy(network).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for step in range(2):
        inputs = torch.randn(4, *shape, generator=torch.Generator().manual_seed(step))
        nn.functional.cross_entropy(network(inputs), torch.arange(4) % classes).backward()
        optimizer.step()
    return network


@pytest.mark.parametrize("name", SPECS)
def test_weights_depend_on_spec_and_seed_alone(name):
    spec, shape = SPECS[name]
    first = build_network(spec, 0)
    torch.manual_seed(7)
    torch.rand(3)
    assert same(first, build_network(spec, 0))
    assert not same(first, build_network(spec, 1))
    assert all(module.training for module in first.modules())
    assert first(torch.zeros(2, *shape)).shape == (2, spec.num_classes)


def test_leaves_the_global_random_state_alone():
    made = hand_made()
    state = torch.get_rng_state()
    fresh_copy(build_network(SMALL, 1), 2)
    fresh_copy(made, 2)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", SPECS)
def test_fresh_weights_do_not_depend_on_the_checkpoint(name):
    spec, shape = SPECS[name]
    network = build_network(spec, 0)
    after_training = trained(network, shape, spec.num_classes)
    assert not same(network, after_training)
    assert same(fresh_copy(network, 5), fresh_copy(after_training, 5))
    assert same(fresh_copy(after_training, 5), build_network(spec, 5))
    assert not same(fresh_copy(after_training, 5), fresh_copy(after_training, 6))


def test_fresh_weights_of_a_hand_made_network_do_not_depend_on_the_checkpoint():
    network = hand_made()
    after_training = trained(network, (1, 8, 8), 4)
    fresh = fresh_copy(after_training, 5)
    assert same(fresh, fresh_copy(network, 5))
    assert not same(fresh, fresh_copy(network, 6))
    assert int(fresh[1].num_batches_tracked) == 0
    assert torch.equal(fresh[1].running_var, torch.ones(4))


@pytest.mark.parametrize("make", [lambda: build_network(SMALL, 0), hand_made])
def test_a_fresh_copy_shares_nothing_and_leaves_the_original_alone(make):
    network = make()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fresh = fresh_copy(network, 5)
    places = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    assert not places & {tensor.untyped_storage().data_ptr() for tensor in fresh.state_dict().values()}
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("make", [lambda: build_network(SMALL, 0), hand_made])
def test_modes_and_frozen_flags_carry_over(make):
    network = make().eval()
    network[1].train()
    network[0].requires_grad_(False)
    fresh = fresh_copy(network, 5)
    assert [module.training for module in fresh.modules()] == [module.training for module in network.modules()]
    flags = [[parameter.requires_grad for parameter in net.parameters()] for net in (network, fresh)]
    assert flags[0] == flags[1]


def test_a_module_that_cannot_be_redrawn_is_named():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(1))

    with pytest.raises(ValueError, match=r"fresh weights for '1' \(Scale\).*reset_parameters.*build_network"):
        fresh_copy(nn.Sequential(nn.Linear(2, 2), Scale()), 0)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("small-cn", "did you mean 'small-cnn'"),
        ("Resnet18-cifar", "did you mean 'resnet18-cifar'"),
        ("timm:resnet10tt", "did you mean 'resnet10t'"),
    ],
)
def test_unknown_names_get_a_suggestion(name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        build_network(NetworkSpec(name, 10), 0)
