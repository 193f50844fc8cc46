"""Low-rank adapters: what trains, what is stored, and that they are what their formula says."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from lightning_modules import NetworkSpec, build_network, training_loss
from lightning_modules.networks.adapters import add_lora

LORA = ["bert-lora", "prompted-lora"]


def state_of(network):
    return {name: value.detach().clone() for name, value in network.named_parameters()}


@pytest.mark.parametrize("name", LORA)
def test_only_adapters_and_head_move_in_training(name, text_specs, text_batch):
    network = build_network(text_specs[name], 0)
    before = state_of(network)
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=0.01, weight_decay=0.1)
    for _ in range(2):  # the second factor is 0 at first, so the first one does not move in the first step
        optimizer.zero_grad()
        training_loss(network, text_batch()).backward()
        optimizer.step()
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if "lora_" in name or name.startswith("head.")}
    assert moved == set(network.state_dict())


@pytest.mark.parametrize("name", LORA)
def test_a_state_restores_a_network_built_from_another_seed(name, text_specs, text_batch):
    network = build_network(text_specs[name], 0)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.add_(0.1)
    other = build_network(text_specs[name], 1)
    inputs = text_batch().inputs
    assert not torch.equal(other(inputs), network(inputs))
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(inputs), network(inputs))


def test_the_state_is_small(text_specs):
    network = build_network(text_specs["bert-lora"], 0)
    adapters = 2 * 2 * (2 * 32 + 2 * 32)  # layers x (query and value) x two factors of rank 2
    assert sum(tensor.numel() for tensor in network.state_dict().values()) == adapters + 2 * 32 + 2


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_fresh_adapters_change_nothing(kind, text_batch):
    spec = NetworkSpec(f"classifier:tiny-{kind}", 2, 0, {"lora_rank": 3})
    with_adapters = build_network(spec, 0)
    without = build_network(NetworkSpec(spec.name, 2, 0), 0)
    batch = text_batch()
    without.head.load_state_dict(with_adapters.head.state_dict())
    torch.testing.assert_close(with_adapters(batch.inputs), without(batch.inputs))


@pytest.mark.parametrize(
    ("kind", "place", "transposed"),
    [("bert", "encoder.layer.1.attention.self.value", False), ("gpt2", "h.1.attn.c_attn", True)],
)
def test_an_adapter_adds_the_scaled_product_of_its_factors(kind, place, transposed):
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    body = AutoModel.from_config(AutoConfig.for_model(kind, **sizes))
    before = body.get_submodule(place).weight.detach().clone()
    base = add_lora(body, rank=2, alpha=6.0)
    layer = body.get_submodule(place)
    one, two = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    torch.nn.init.normal_(two)
    weight = (before.T if transposed else before) + 6.0 / 2 * two @ one
    inputs = torch.randn(3, 32)
    torch.testing.assert_close(layer(inputs), inputs @ weight.T + layer.base_layer.bias)
    assert not any("lora_" in name for name in base)
    assert {name for name, _ in body.named_parameters() if "lora_" not in name} == set(base)


def test_models_without_a_known_place_are_refused():
    body = AutoModel.from_config(AutoConfig.for_model("mpnet", hidden_size=32, num_attention_heads=2, vocab_size=50))
    with pytest.raises(ValueError, match=r"lora_rank needs a model type .*, got 'mpnet'"):
        add_lora(body, rank=2, alpha=1.0)
