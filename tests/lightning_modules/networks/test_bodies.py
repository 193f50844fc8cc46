import pytest
import torch
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from datamodules.checkpoints import load_tokenizer
from lightning_modules import NetworkSpec, build_network, fresh_copy
from lightning_modules.networks import bodies
from lightning_modules.networks.bodies import BodyOptions, build_body, is_causal


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A small BERT on disk, under the name owner/model, with dropout and a pooler as BERTs have."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    body = AutoModel.from_config(AutoConfig.for_model("bert", **sizes, intermediate_size=64))
    body.save_pretrained(tmp_path)
    asked = []

    def folder(name, *, weights):
        asked.append((name, weights))
        return tmp_path

    monkeypatch.setattr(bodies, "checkpoint_folder", folder)
    yield body.eval()
    assert set(asked) <= {("owner/model", True)}


def test_weights_are_those_of_the_checkpoint(checkpoint):
    body = build_body("owner/model", BodyOptions())
    expected = {name: value for name, value in checkpoint.named_parameters() if not name.startswith("pooler.")}
    got = dict(body.named_parameters())
    assert got.keys() == expected.keys()
    assert all(torch.equal(got[name], expected[name]) for name in expected)
    assert all(value.dtype == torch.float32 for value in got.values())
    ids = torch.arange(12).view(2, 6)
    states = body(input_ids=ids).last_hidden_state
    torch.testing.assert_close(states, checkpoint(input_ids=ids).last_hidden_state)


def test_fresh_weights_of_a_pretrained_network_are_the_pretrained_ones(checkpoint):
    network = build_network(NetworkSpec("classifier:owner/model", 2, 0), 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    fresh = fresh_copy(network, 1)
    expected = dict(checkpoint.named_parameters())
    assert all(torch.equal(value, expected[name]) for name, value in fresh.body.named_parameters())
    assert torch.equal(fresh.head.weight, build_network(network.spec, 1).head.weight)
    assert not torch.equal(fresh.head.weight, build_network(network.spec, 2).head.weight)


def test_only_the_first_layers_are_kept(checkpoint):
    body = build_body("owner/model", BodyOptions(layers=2))
    assert len(body.encoder.layer) == 2
    for one, other in zip(body.encoder.layer, checkpoint.encoder.layer, strict=False):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_dropout_overrides_every_rate(checkpoint, rate):
    for name, body in (
        ("owner/model", build_body("owner/model", BodyOptions(dropout=rate))),
        ("tiny-gpt2", build_body("tiny-gpt2", BodyOptions(dropout=rate))),
    ):
        rates = {module.p for module in body.modules() if isinstance(module, torch.nn.Dropout)}
        assert rates == {rate}, name


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_is_as_asked_for(checkpoint, attention):
    assert build_body("owner/model", BodyOptions(attention=attention)).config._attn_implementation == attention


def test_loading_says_nothing_and_restores_how_talkative_transformers_is(checkpoint, capfd, caplog):
    before = logging.get_verbosity()
    try:
        logging.set_verbosity_info()
        build_body("owner/model", BodyOptions(layers=1))
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity(before)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_causal_models_are_told_from_others():
    assert is_causal(build_body("tiny-gpt2", BodyOptions()))
    assert not is_causal(build_body("tiny-bert", BodyOptions()))


@pytest.mark.parametrize(
    ("name", "options", "parameters"),
    [
        ("tiny-bert", {}, 62_400),
        ("tiny-gpt2", {}, 62_336),
        ("tiny-bert", {"vocab_size": 94, "positions": 64, "width": 16}, 9_152),
        ("gpt2-mini", {}, 16_156_416),
    ],
)
def test_sizes_of_configurations(name, options, parameters):
    assert sum(value.numel() for value in build_body(name, BodyOptions(**options)).parameters()) == parameters


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tiny-bert", {"layers": 3}, "layers must be at most 2 for 'tiny-bert', got 3"),
        ("owner/model", {"vocab_size": 50}, "vocab_size is only for networks by configuration .*'owner/model'"),
        ("tiny-bert", {"layers": -1}, "layers must be at least 0, got -1"),
        ("tiny-bert", {"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ("tiny-bert", {"lora_alpha": 0.0}, "lora_alpha must be positive, got 0.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        build_body(name, BodyOptions(**options))


@pytest.mark.data
def test_minilm_is_as_published():
    """384 wide, 22.7 million parameters with its pooler, and sentences of like meaning lie close."""
    network = build_network(NetworkSpec("classifier:minilm", 2, 0), 0).eval()
    assert network.embedding_width == 384
    assert sum(value.numel() for value in network.body.parameters()) == 22_713_216 - 384 * 385
    tokenizer = load_tokenizer("minilm")
    texts = ["A man is eating food.", "Someone has a meal.", "The stock market fell sharply today."]
    inputs = dict(tokenizer(texts, padding=True, return_tensors="pt"))
    network.head = torch.nn.Identity()
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(network(inputs), dim=1)
    near, far = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    assert near > 0.5
    assert far < 0.2
