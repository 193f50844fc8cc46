import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from datamodules import Batch
from lightning_modules import (
    HasSequenceLogProbs,
    kl_from_teacher,
    log_probabilities,
    mean_log_probabilities,
    training_loss,
)


def logits(seed, dtype=torch.float32):
    return 3 * torch.randn(6, 10, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_distance_to_the_teacher_is_that_of_torch(temperature):
    student, teacher = logits(0).requires_grad_(), logits(1)
    logs = [log_softmax(values / temperature, dim=1) for values in (student, teacher)]
    expected = temperature**2 * kl_div(*logs, reduction="batchmean", log_target=True)
    got = kl_from_teacher(student, teacher, temperature)
    torch.testing.assert_close(got, expected)
    gradients = [torch.autograd.grad(value, student)[0] for value in (got, expected)]
    torch.testing.assert_close(*gradients)


def test_a_student_that_equals_its_teacher_is_at_distance_zero():
    student = logits(0).requires_grad_()
    distance = kl_from_teacher(student, student.detach(), 2.0)
    assert distance.item() == pytest.approx(0, abs=1e-6)
    assert torch.autograd.grad(distance, student)[0].abs().max() < 1e-7


def test_the_teacher_is_the_target():
    one, other = logits(0), logits(1)
    assert kl_from_teacher(one, other, 1.0) != pytest.approx(kl_from_teacher(other, one, 1.0).item(), rel=0.01)


def test_hopeless_logits_stay_finite():
    sure = torch.tensor([[1e4, -1e4]])
    assert torch.isfinite(kl_from_teacher(sure, -sure, 1.0))


@pytest.mark.parametrize("loss", ["kl", "cross-entropy"])
def test_half_precision_logits_are_compared_in_float32(loss):
    values, target = logits(0, torch.bfloat16), torch.arange(6)
    if loss == "kl":
        got, expected = kl_from_teacher(values, logits(1, torch.bfloat16), 1.0), torch.float32
    else:
        got, expected = training_loss(nn.Identity(), Batch(values, target, target)), torch.float32
    assert got.dtype == expected


def test_training_loss_is_the_mean_cross_entropy():
    values, target = logits(0), torch.tensor([0, 1, 2, 3, 4, 9])
    got = training_loss(nn.Identity(), Batch(values, target, torch.arange(6)))
    torch.testing.assert_close(got, cross_entropy(values, target))


def test_a_network_may_bring_its_own_loss():
    class Own(nn.Identity):
        def training_loss(self, batch):
            return batch.inputs.sum()

    batch = Batch(torch.ones(2, 3), torch.zeros(2, dtype=torch.int64), torch.arange(2))
    assert training_loss(Own(), batch) == 6


class Sequences(nn.Identity):
    """Answers of one to six parts; its logits, as those of classes, would say something else."""

    def sequence_log_probs(self, batch):
        return self(batch.inputs)[:, 0].double()

    def sequence_lengths(self, batch):
        return 1 + batch.index


def test_probability_of_a_class_is_its_softmax():
    values, target, index = logits(0), torch.tensor([0, 1, 2, 3, 4, 9]), torch.arange(6)
    batch = Batch(values, target, index)
    expected = torch.stack([(row.exp() / row.exp().sum())[c].log() for row, c in zip(values, target, strict=True)])
    torch.testing.assert_close(log_probabilities(nn.Identity(), batch), expected)
    torch.testing.assert_close(mean_log_probabilities(nn.Identity(), batch), expected)


def test_a_network_may_bring_the_probability_of_a_sequence():
    batch = Batch(logits(0), torch.arange(6), torch.arange(6))
    assert isinstance(Sequences(), HasSequenceLogProbs)
    expected = batch.inputs[:, 0]
    torch.testing.assert_close(log_probabilities(Sequences(), batch), expected)
    divided = torch.tensor([value.item() / length for value, length in zip(expected, range(1, 7), strict=True)])
    torch.testing.assert_close(mean_log_probabilities(Sequences(), batch), divided)


def test_probabilities_are_float32_and_hopeless_ones_finite():
    target = torch.zeros(6, dtype=torch.int64)
    assert log_probabilities(nn.Identity(), Batch(logits(0, torch.bfloat16), target, target)).dtype == torch.float32
    hopeless = Batch(torch.tensor([[-1e4, 1e4]]), target[:1], target[:1])
    assert log_probabilities(nn.Identity(), hopeless).tolist() == [-2e4]
