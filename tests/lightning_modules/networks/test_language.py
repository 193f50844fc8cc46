"""Text networks by name: their options, what is drawn and what is not, and the parts that unlearners ask for."""

import copy

import pytest
import torch

from datamodules import UnknownNameError
from datamodules.checkpoints import load_tokenizer
from lightning_modules import (
    NetworkSpec,
    build_network,
    freeze_except,
    fresh_copy,
    frozen_copy,
    last_layers,
    training_loss,
    weight_layers,
)
from lightning_modules.networks.frozen import frozen_for_good

NAMES = ["bert", "bert-lora", "bert-frozen", "gpt2", "gpt2-mean", "prompted", "prompted-label", "prompted-lora"]


def same(one, other):
    first, second = dict(one.named_parameters()), dict(other.named_parameters())
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def trained(network, batch):
    network = copy.deepcopy(network).train()
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        training_loss(network, batch).backward()
        optimizer.step()
    return network


@pytest.mark.parametrize("name", NAMES)
def test_weights_depend_on_spec_and_seed_alone(name, text_specs):
    first = build_network(text_specs[name], 0)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    assert same(first, build_network(text_specs[name], 0))
    assert not same(first, build_network(text_specs[name], 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in first.modules())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_frozen_for_good_is_the_same_for_every_seed(name, text_specs):
    one, other = (dict(build_network(text_specs[name], seed).named_parameters()) for seed in (0, 1))
    frozen = frozen_for_good(build_network(text_specs[name], 0))
    assert bool(frozen) == (name.endswith(("lora", "frozen")))
    assert all(torch.equal(one[part], other[part]) for part in frozen)


@pytest.mark.parametrize("name", NAMES)
def test_fresh_weights_do_not_depend_on_the_checkpoint(name, text_specs, text_batch):
    network = build_network(text_specs[name], 0)
    after_training = trained(network, text_batch())
    assert not same(network, after_training)
    assert same(fresh_copy(after_training, 5), build_network(text_specs[name], 5))
    assert same(fresh_copy(network, 5), fresh_copy(after_training, 5))
    flags = [[p.requires_grad for p in net.parameters()] for net in (network, fresh_copy(after_training, 5))]
    assert flags[0] == flags[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_copy_is_still_while_the_original_moves(name, text_specs, text_batch):
    network = build_network(text_specs[name], 0)
    teacher, inputs = frozen_copy(network), text_batch().inputs
    before = teacher(inputs)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert torch.equal(teacher(inputs), before)
    assert not before.requires_grad


@pytest.mark.parametrize(
    ("name", "k", "expected"),
    [
        ("bert", 1, ["head"]),
        ("bert", 2, ["body.encoder.layer.1.output.dense", "body.encoder.layer.1.output.LayerNorm", "head"]),
        ("gpt2", 2, ["body.h.1.mlp.c_proj", "body.ln_f", "head"]),
        ("prompted", 1, ["body.h.1.mlp.c_proj", "body.ln_f"]),
        (
            "bert-lora",
            2,
            [f"body.encoder.layer.1.attention.self.value.lora_{factor}.default" for factor in "AB"] + ["head"],
        ),
        ("prompted-lora", 1, [f"body.h.1.attn.c_attn.lora_{factor}.default" for factor in "AB"]),
    ],
)
def test_last_layers_are_those_that_train(name, k, expected, text_specs):
    assert last_layers(build_network(text_specs[name], 0), k) == expected


@pytest.mark.parametrize(
    ("name", "layers"), [("bert-lora", 5), ("prompted-lora", 2), ("bert", 16), ("bert-frozen", 15)]
)
def test_what_never_trains_is_no_layer(name, layers, text_specs):
    network = build_network(text_specs[name], 0)
    assert len(weight_layers(network)) == layers
    with pytest.raises(ValueError, match=f"k must be in 1..{layers} "):
        last_layers(network, layers + 1)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_unfreezes_what_was_frozen_from_the_start(name, text_specs):
    network = build_network(text_specs[name], 0)
    every = [module for module, _ in network.named_modules()]
    freeze_except(network, last_layers(network, 1))
    moving = {parameter for parameter, value in network.named_parameters() if value.requires_grad}
    assert moving == {
        f"{module}.{own}"
        for module in last_layers(network, 1)
        for own, _ in network.get_submodule(module).named_parameters()
    }
    freeze_except(network, every)
    frozen = {parameter for parameter, value in network.named_parameters() if not value.requires_grad}
    assert frozen == frozen_for_good(network)


def test_frozen_parts_drop_nothing_out(text_batch):
    network = build_network(NetworkSpec("classifier:tiny-bert", 2, 0, {"dropout": 0.5}), 0)
    assert not torch.equal(network(text_batch().inputs), network(text_batch().inputs))
    freeze_except(network, last_layers(network, 1))
    assert torch.equal(network(text_batch().inputs), network(text_batch().inputs))
    assert network.head.training


def test_options_reach_the_network(text_specs):
    assert build_network(NetworkSpec("classifier:tiny-bert", 2, 0, {"dropout": 0.5}), 0).dropout.p == 0.5
    assert build_network(text_specs["prompted-label"], 0).loss_on == "label"
    assert build_network(text_specs["prompted"], 0).loss_on == "sequence"


def test_a_causal_classifier_reads_the_last_token_by_default(text_specs):
    assert build_network(text_specs["gpt2"], 0).pooling == "last"
    assert build_network(text_specs["bert"], 0).pooling == "mean"


def test_a_prompt_is_cut_by_the_tokenizer_of_the_corpus():
    network = build_network(NetworkSpec("prompted:tiny-gpt2", 2, 0), 0)
    words = load_tokenizer("grammar").convert_ids_to_tokens(network.template_ids.tolist())
    assert words == [".", "the", "sentiment", "of", "the", "review", "is"]
    assert load_tokenizer("grammar").convert_ids_to_tokens(network.label_ids[:, 0].tolist()) == ["negative", "positive"]
    other = NetworkSpec("prompted:tiny-gpt2", 3, 0, {"template": " film", "labels": "|dull|warm|calm"})
    assert build_network(other, 0).label_ids.shape == (3, 1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (NetworkSpec("classifier:tiny-bert", 2), "in_channels must be 0 for the text network .*, got 3"),
        (NetworkSpec("prompted:tiny-gpt2", 3, 0), "labels must name 3 classes, got 2"),
        (NetworkSpec("prompted:tiny-bert", 2, 0), "needs a causal language model, got 'bert'"),
        (NetworkSpec("prompted:tiny-gpt2", 2, 0, {"label_ids": (1, 2)}), "must be given together"),
        (
            NetworkSpec("prompted:tiny-gpt2", 2, 0, {"vocab_size": 50}),
            r"template_ids and label_ids must be in 0\.\.49, got \[5, 84",
        ),
    ],
)
def test_specs_that_make_no_sense_are_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        build_network(spec, 0)


@pytest.mark.parametrize(
    ("name", "options", "hint"),
    [
        ("classifier:tiny-brt", {}, "did you mean 'tiny-bert'"),
        ("classifier:minlm", {}, "did you mean 'minilm'"),
        ("classifer:minilm", {}, "unknown network"),
        ("classifier:tiny-bert", {"lora_rnk": 1}, "unknown option of classifier:tiny-bert 'lora_rnk'.*'lora_rank'"),
    ],
)
def test_unknown_names_get_a_suggestion(name, options, hint):
    with pytest.raises(UnknownNameError, match=hint):
        build_network(NetworkSpec(name, 2, 0, options), 0)
