"""The prompted language model against GPT2LMHeadModel on sequences that are written out, one sample at a time."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

from datamodules import Batch
from lightning_modules import log_probabilities, training_loss
from lightning_modules.losses import HasSequenceLogProbs, HasTrainingLoss, mean_log_probabilities
from lightning_modules.networks.prompted import PromptedLM, appended

TEMPLATE = [5, 6, 7]
LABELS = [[8, 3], [9, 4, 1], [11]]
LENGTHS = (7, 3, 1, 12)
CLOSE = {"atol": 1e-5, "rtol": 0}


@pytest.fixture
def reference():
    torch.manual_seed(0)
    sizes = {"vocab_size": 1000, "n_layer": 2, "n_head": 2, "n_embd": 32, "initializer_range": 0.2}
    return GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=None, eos_token_id=None)).eval()


@pytest.fixture
def batch(text_batch):
    return text_batch(LENGTHS)._replace(target=torch.tensor([0, 1, 2, 1]))


def network_of(reference, **settings):
    return PromptedLM(reference.transformer, template_ids=TEMPLATE, label_ids=LABELS, **settings).eval()


def texts(batch):
    return [ids[:length].tolist() for ids, length in zip(batch.inputs["input_ids"], LENGTHS, strict=True)]


@pytest.mark.parametrize("loss_on", ["sequence", "label"])
def test_training_loss_and_its_gradients(reference, batch, loss_on):
    network = network_of(reference, loss_on=loss_on)
    losses = []
    for text, label in zip(texts(batch), batch.target.tolist(), strict=True):
        ids = torch.tensor([text + TEMPLATE + LABELS[label]])
        wanted = ids.clone()
        if loss_on == "label":
            wanted[:, : len(text) + len(TEMPLATE)] = -100
        losses.append(reference(input_ids=ids, labels=wanted).loss)
    expected = sum(losses) / len(losses)
    got = training_loss(network, batch)
    torch.testing.assert_close(got, expected, **CLOSE)
    parameters = list(network.parameters())
    for one, other in zip(torch.autograd.grad(got, parameters), torch.autograd.grad(expected, parameters), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


def test_logits_are_those_of_the_labels_first_tokens(reference, batch):
    got = network_of(reference)(batch.inputs)
    for row, text in enumerate(texts(batch)):
        logits = reference(input_ids=torch.tensor([text + TEMPLATE])).logits[0, -1]
        torch.testing.assert_close(got[row], logits[[8, 9, 11]], **CLOSE)


def test_log_probability_of_the_label(reference, batch):
    network = network_of(reference)
    got = log_probabilities(network, batch)
    for row, (text, label) in enumerate(zip(texts(batch), batch.target.tolist(), strict=True)):
        before, answer = text + TEMPLATE, LABELS[label]
        logits = reference(input_ids=torch.tensor([before + answer])).logits[0]
        expected = sum(
            -cross_entropy(logits[len(before) - 1 + place], torch.tensor(token)) for place, token in enumerate(answer)
        )
        torch.testing.assert_close(got[row], expected, **CLOSE)
    assert network.sequence_lengths(batch).tolist() == [2, 3, 1, 3]
    torch.testing.assert_close(mean_log_probabilities(network, batch), got / torch.tensor([2.0, 3.0, 1.0, 3.0]))


def test_keeps_the_protocols(reference):
    assert isinstance(network_of(reference), HasTrainingLoss)
    assert isinstance(network_of(reference), HasSequenceLogProbs)


def test_calls_itself_once_for_each_loss(reference, batch):
    network, calls = network_of(reference), []
    network.register_forward_hook(lambda module, args, output: calls.append(output))
    for compute in (network.training_loss, network.sequence_log_probs):
        calls.clear()
        compute(batch)
        assert len(calls) == 1
        assert calls[0].requires_grad
        assert len(calls[0]) == len(LENGTHS)


def test_no_weight_is_in_the_state_twice(reference):
    state = network_of(reference).state_dict()
    places = [tensor.untyped_storage().data_ptr() for tensor in state.values()]
    assert len(set(places)) == len(places)
    assert sum(tensor.numel() for tensor in state.values()) == sum(p.numel() for p in reference.parameters())


def test_tokens_are_appended_without_noise():
    inputs = {
        "input_ids": torch.tensor([[1, 2, 3, 90], [4, 90, 90, 90]]),
        "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]]),
        "embedding_noise": torch.ones(2, 4, 1),
    }
    out = appended(inputs, torch.tensor([[7, 8], [9, 0]]), torch.tensor([2, 1]))
    assert out["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert out["input_ids"][0].tolist() == [1, 2, 3, 7, 8]
    assert out["input_ids"][1, :2].tolist() == [4, 9]
    assert out["embedding_noise"].squeeze(2).tolist() == [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert inputs["input_ids"].tolist() == [[1, 2, 3, 90], [4, 90, 90, 90]]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"template_ids": []}, "template_ids must hold at least one token"),
        ({"label_ids": [[1]]}, "label_ids must begin with different tokens for two or more classes"),
        ({"label_ids": [[1, 2], [1, 3]]}, "label_ids must begin with different tokens"),
        ({"label_ids": [[1], []]}, "label_ids must begin with different tokens"),
        ({"loss_on": "all"}, "loss_on must be sequence or label, got 'all'"),
    ],
)
def test_prompts_that_make_no_sense_are_refused(reference, setting, message):
    with pytest.raises(ValueError, match=message):
        PromptedLM(reference.transformer, **{"template_ids": TEMPLATE, "label_ids": LABELS, **setting})


def test_images_are_refused(reference):
    images = Batch(torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64), torch.arange(2))
    with pytest.raises(TypeError, match="takes texts"):
        network_of(reference).training_loss(images)
