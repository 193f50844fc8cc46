import pytest
import torch
from torch import nn

from lightning_modules import NetworkSpec, build_network, freeze_except, frozen_copy, last_layers, weight_layers

SMALL = NetworkSpec("small-cnn", 4, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)})


@pytest.fixture
def small():
    return build_network(SMALL, 0)


@pytest.mark.parametrize(
    ("spec", "k", "expected"),
    [
        (SMALL, 1, ["17"]),
        (SMALL, 2, ["12", "13", "17"]),
        (SMALL, 6, ["0", "1", "3", "4", "6", "7", "9", "10", "12", "13", "17"]),
        (NetworkSpec("resnet18-cifar", 10), 1, ["fc"]),
        (
            NetworkSpec("resnet18-cifar", 10),
            3,
            ["layer4.1.conv1", "layer4.1.bn1", "layer4.1.conv2", "layer4.1.bn2", "fc"],
        ),
        (NetworkSpec("timm:resnet10t", 10), 1, ["fc"]),
        (NetworkSpec("timm:resnet10t", 10), 2, ["layer4.0.downsample.1", "layer4.0.downsample.2", "fc"]),
    ],
)
def test_last_layers_are_counted_from_the_output(spec, k, expected):
    assert last_layers(build_network(spec, 0), k) == expected


@pytest.mark.parametrize(("name", "layers"), [("small-cnn", 6), ("resnet18-cifar", 21), ("timm:resnet10t", 15)])
def test_weight_layers_are_the_convolutions_and_linear_layers(name, layers):
    network = build_network(NetworkSpec(name, 10), 0)
    kinds = (nn.Conv2d, nn.Linear)
    assert weight_layers(network) == [name for name, module in network.named_modules() if isinstance(module, kinds)]
    assert len(weight_layers(network)) == layers


@pytest.mark.parametrize("k", [0, -1, 7])
def test_k_outside_the_network_is_refused(small, k):
    with pytest.raises(ValueError, match=rf"k must be in 1..6 .*, got {k}"):
        last_layers(small, k)


def test_only_the_named_layers_move(small):
    chosen = last_layers(small, 2)
    freeze_except(small, chosen)
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in small.parameters() if p.requires_grad], lr=0.1, weight_decay=0.1)
    small(torch.randn(8, 1, 8, 8)).square().sum().backward()
    optimizer.step()
    moved = {name for name, tensor in small.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {name for name in before if name.rpartition(".")[0] in chosen}


def test_freezing_can_be_taken_back(small):
    freeze_except(small, last_layers(small, 1))
    freeze_except(small, last_layers(small, 6))
    assert all(parameter.requires_grad for parameter in small.parameters())
    assert small[1].training


def test_a_frozen_copy_is_still_while_the_original_moves(small):
    teacher = frozen_copy(small)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    teacher(torch.randn(8, 1, 8, 8))
    with torch.no_grad():
        for parameter in small.parameters():
            parameter.add_(1)
    small(torch.randn(8, 1, 8, 8))
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not any(module.training for module in teacher.modules())
    assert small.training
    assert all(parameter.requires_grad for parameter in small.parameters())
