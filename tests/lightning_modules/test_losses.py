import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from datamodules import Batch
from lightning_modules import kl_from_teacher, training_loss


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
