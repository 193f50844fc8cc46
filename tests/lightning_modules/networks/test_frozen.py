import copy

import pytest
import torch
from torch import nn

from lightning_modules.networks.frozen import freeze_for_good, frozen_for_good

BASE = ["0.weight", "0.bias"]


@pytest.fixture
def network():
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    freeze_for_good(network, BASE)
    return network


def test_frozen_parts_neither_train_nor_belong_to_the_state(network):
    assert list(network.state_dict()) == ["1.weight", "1.bias"]
    assert [name for name, value in network.named_parameters() if not value.requires_grad] == BASE
    assert frozen_for_good(network) == frozenset(BASE)


def test_a_state_loads_strictly_and_leaves_the_frozen_parts(network):
    base = network[0].weight.clone()
    state = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    result = network.load_state_dict(state)
    assert not result.missing_keys
    assert not result.unexpected_keys
    assert torch.equal(network[0].weight, base)
    assert torch.equal(network[1].weight, state["1.weight"])
    assert list(state) == ["1.weight", "1.bias"]


def test_a_missing_part_that_trains_is_still_missed(network):
    with pytest.raises(RuntimeError, match=r"Missing key.*1\.bias"):
        network.load_state_dict({"1.weight": torch.zeros(2, 3)})


def test_inside_another_module_it_is_the_same(network):
    outer = nn.ModuleDict({"network": network})
    assert list(outer.state_dict()) == ["network.1.weight", "network.1.bias"]
    outer.load_state_dict({name: torch.zeros_like(value) for name, value in outer.state_dict().items()})
    assert not network[1].weight.any()
    assert network[0].weight.any()


def test_copies_are_alike_and_apart(network):
    twin = copy.deepcopy(network)
    assert list(twin.state_dict()) == ["1.weight", "1.bias"]
    with torch.no_grad():
        twin[0].weight.zero_()
    twin.load_state_dict(network.state_dict())
    assert not twin[0].weight.any()  # filled from the copy, not from the original
    assert network[0].weight.any()


def test_nothing_to_freeze_changes_nothing():
    network = nn.Linear(2, 2)
    freeze_for_good(network, [])
    assert not frozen_for_good(network)
    assert list(network.state_dict()) == ["weight", "bias"]


def test_unknown_names_and_a_second_call_are_refused(network):
    with pytest.raises(ValueError, match=r"names must be parameters of the network, got 0\.wieght"):
        freeze_for_good(nn.Sequential(nn.Linear(2, 2)), ["0.wieght"])
    with pytest.raises(ValueError, match="frozen for good only once"):
        freeze_for_good(network, ["1.bias"])
