"""What holds for every text network: padding counts for nothing, samples do not mix, noise is on the embeddings."""

import pytest
import torch
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

from datamodules import Batch
from lightning_modules import log_probabilities, training_loss
from lightning_modules.networks.text import TextClassifier, embedding_table

CLOSE = {"atol": 1e-5, "rtol": 0}


def everything(network, batch):
    """Logits, loss, gradients of the parameters and gradient at the embeddings of the real tokens."""
    ids = batch.inputs["input_ids"]
    noise = batch.inputs.get("embedding_noise", torch.zeros(*ids.shape, network.embedding_width)).clone()
    noise.requires_grad_()
    inputs = {**batch.inputs, "embedding_noise": noise}
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    loss = training_loss(network, batch._replace(inputs=inputs))
    *gradients, at_embeddings = torch.autograd.grad(loss, [*parameters, noise])
    logits, log_probs = network(batch.inputs), log_probabilities(network, batch)
    return {"logits": logits, "loss": loss, "log_probs": log_probs}, gradients, at_embeddings


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("noise", [False, True])
def test_padding_changes_no_output_loss_or_gradient(text_network, text_batch, noise, train):
    text_network.train(train)
    short, long = text_batch(noise=noise), text_batch(noise=noise, extra=19)
    width = short.inputs["input_ids"].shape[1]
    one, other = everything(text_network, short), everything(text_network, long)
    for name, value in one[0].items():
        torch.testing.assert_close(other[0][name], value, **CLOSE)
    for first, second in zip(one[1], other[1], strict=True):
        torch.testing.assert_close(second, first, **CLOSE)
    torch.testing.assert_close(other[2][:, :width], one[2], **CLOSE)
    assert not other[2][:, width:].any()
    padding = short.inputs["attention_mask"] == 0
    assert not one[2][padding].any()
    assert one[2][~padding].abs().sum(1).min() > 0


def test_each_alone_is_as_in_the_batch(text_network, text_batch):
    batch = text_batch((7, 3, 1, 12), noise=True)
    together = everything(text_network, batch)
    total = [torch.zeros_like(gradient) for gradient in together[1]]
    losses = []
    for row, length in enumerate((7, 3, 1, 12)):
        rows = slice(row, row + 1)
        inputs = {name: tensor[rows, :length] for name, tensor in batch.inputs.items()}
        values, gradients, at_embeddings = everything(
            text_network, Batch(inputs, batch.target[rows], batch.index[rows])
        )
        torch.testing.assert_close(values["logits"][0], together[0]["logits"][row], **CLOSE)
        torch.testing.assert_close(values["log_probs"][0], together[0]["log_probs"][row], **CLOSE)
        torch.testing.assert_close(at_embeddings[0] / 4, together[2][row, :length], **CLOSE)
        losses.append(values["loss"])
        total = [sofar + gradient / 4 for sofar, gradient in zip(total, gradients, strict=True)]
    torch.testing.assert_close(torch.stack(losses).mean(), together[0]["loss"], **CLOSE)
    for expected, gradient in zip(total, together[1], strict=True):
        torch.testing.assert_close(gradient, expected, **CLOSE)


def test_noise_is_as_another_row_of_the_table(text_network, text_batch):
    """One token's row is edited by hand; the text in which it stands once, with that difference as noise."""
    batch = text_batch((6,))
    batch.inputs["input_ids"][0] = torch.arange(20, 26)
    noise = torch.zeros(1, 6, 32)
    noise[0, 2] = torch.randn(32, generator=torch.Generator().manual_seed(2))
    text_network.eval()
    with torch.no_grad():
        clean = text_network(batch.inputs)
        noisy = text_network({**batch.inputs, "embedding_noise": noise})
        embedding_table(text_network.body)[22] += noise[0, 2]
        edited = text_network(batch.inputs)
    torch.testing.assert_close(noisy, edited, **CLOSE)
    assert (noisy - clean).abs().max() > 1e-2


def test_one_step_lowers_the_loss(text_network, text_batch):
    batch = text_batch()
    parameters = [parameter for parameter in text_network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.002)
    before = training_loss(text_network, batch)
    before.backward()
    assert all(parameter.grad is not None for parameter in parameters)
    optimizer.step()
    assert training_loss(text_network, batch) < before


def body_of(kind):
    torch.manual_seed(0)
    sizes = {"vocab_size": 1000, "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32}
    if kind == "bert":
        return BertModel(BertConfig(**sizes, intermediate_size=64), add_pooling_layer=False).eval()
    return GPT2Model(GPT2Config(**sizes, bos_token_id=None, eos_token_id=None)).eval()


@pytest.mark.parametrize(("kind", "pooling"), [("bert", "mean"), ("gpt2", "last"), ("gpt2", "mean")])
def test_logits_are_a_linear_map_of_the_pooled_states(kind, pooling, text_batch):
    body = body_of(kind)
    network = TextClassifier(body, 3, pooling=pooling)
    batch = text_batch((5, 9))
    for row, length in enumerate((5, 9)):
        states = body(input_ids=batch.inputs["input_ids"][row : row + 1, :length]).last_hidden_state[0]
        pooled = states.mean(0) if pooling == "mean" else states[-1]
        expected = network.head.weight @ pooled + network.head.bias
        torch.testing.assert_close(network(batch.inputs)[row], expected, **CLOSE)


def test_dropout_is_before_the_head(text_batch):
    network = TextClassifier(body_of("bert"), 3, dropout=0.5)
    inputs = text_batch().inputs
    assert torch.equal(network.eval()(inputs), network(inputs))
    network.dropout.train()
    assert not torch.equal(network(inputs), network(inputs))


def test_the_width_of_the_embeddings_is_told(text_network):
    assert text_network.embedding_width == 32


def test_texts_that_are_too_long_are_refused(text_network, text_batch):
    with pytest.raises(ValueError, match=r"texts of at most 128 tokens fit .*, got 1[34]\d: lower max_length"):
        text_network(text_batch((140,)).inputs)


def test_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="pooling must be mean or last, got 'first'"):
        TextClassifier(body_of("bert"), 3, pooling="first")
