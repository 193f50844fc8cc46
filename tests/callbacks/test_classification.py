"""Accuracy and loss, against scikit-learn, on the real path: Trainer.test in uneven batches."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from benchmark.stages.trainers import make_trainer
from callbacks import Accuracy, Loss, ScoringModule
from datamodules import BatchLoader, ImageStore, SampleSet

N, CLASSES = 53, 4


class Fixed(nn.Module):
    """Gives fixed logits for the row that is written into the pixels."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, inputs):
        return self.logits[inputs[:, 0, 0, 0].round().long()]


def _logits(seed=0, scale=3.0):
    return scale * torch.randn(N, CLASSES, generator=torch.Generator().manual_seed(seed))


def _target(seed=1):
    return torch.randint(CLASSES, (N,), generator=torch.Generator().manual_seed(seed))


def _measure(measurement, logits, rows=range(N), batch_size=10):
    pixels = torch.arange(N).to(torch.uint8).view(N, 1, 1, 1)
    samples = SampleSet(ImageStore.clean(pixels, (0.0,), (1 / 255,)), torch.arange(N), _target())
    loader = BatchLoader(samples.subset(torch.tensor(list(rows))), batch_size)
    trainer = make_trainer([measurement], precision="32-true", accelerator="cpu")
    trainer.test(ScoringModule(Fixed(logits).eval(), ["test"]), dataloaders=[loader], verbose=False)
    return measurement.scalars()


@pytest.mark.parametrize("batch_size", [1, 10, 52, N])
def test_accuracy_is_the_share_of_hits_whatever_the_batches(batch_size):
    result = _measure(Accuracy("test", CLASSES), _logits(), batch_size=batch_size)

    assert result == {"accuracy/test": pytest.approx(accuracy_score(_target(), _logits().argmax(1)), rel=1e-6)}


@pytest.mark.parametrize("batch_size", [1, 10, 52, N])
def test_loss_is_the_mean_over_samples_whatever_the_batches(batch_size):
    result = _measure(Loss("test"), _logits(), batch_size=batch_size)

    probabilities = _logits().double().softmax(1).numpy()
    assert result == {"loss/test": pytest.approx(log_loss(_target(), probabilities, labels=range(CLASSES)), rel=1e-6)}


def test_accuracy_weighs_samples_and_not_classes():
    logits = torch.zeros(N, CLASSES)
    logits[:, 0] = 1
    share = float((_target() == 0).double().mean())

    assert abs(share - 1 / CLASSES) > 0.01
    assert _measure(Accuracy("test", CLASSES), logits)["accuracy/test"] == pytest.approx(share, rel=1e-6)


def test_accuracy_reaches_both_ends():
    right = torch.nn.functional.one_hot(_target(), CLASSES).float()

    assert _measure(Accuracy("test", CLASSES), right) == {"accuracy/test": 1}
    assert _measure(Accuracy("test", CLASSES), -right) == {"accuracy/test": 0}


def test_loss_of_knowing_nothing_is_the_logarithm_of_the_classes():
    assert _measure(Loss("test"), torch.zeros(N, CLASSES))["loss/test"] == pytest.approx(math.log(CLASSES), rel=1e-6)


def test_loss_of_very_wrong_logits_is_their_margin():
    logits = torch.zeros(N, CLASSES)
    logits[torch.arange(N), (_target() + 1) % CLASSES] = 1000

    assert _measure(Loss("test"), logits)["loss/test"] == pytest.approx(1000, rel=1e-6)


def test_a_loss_that_is_not_a_number_is_not_hidden():
    logits = _logits()
    logits[17, 2] = math.nan

    assert math.isnan(_measure(Loss("test"), logits)["loss/test"])


@pytest.mark.parametrize("measurement", [Accuracy("test", CLASSES), Loss("test")], ids=["accuracy", "loss"])
def test_state_is_reset_between_two_scorings(measurement):
    first = _measure(measurement, _logits())
    second = _measure(measurement, _logits(seed=5), rows=range(20))

    fresh = Accuracy("test", CLASSES) if isinstance(measurement, Accuracy) else Loss("test")
    assert second == _measure(fresh, _logits(seed=5), rows=range(20)) != first


def test_names_tell_the_set():
    assert set(_scalars_of("selection")) == {"accuracy/selection", "loss/selection"}


def _scalars_of(role):
    accuracy, loss = Accuracy(role, CLASSES), Loss(role)
    for one in (accuracy, loss):
        one.reset(torch.device("cpu"))
        one.update(nn.Identity(), _Batch(), torch.zeros(2, CLASSES))
    return np.array([*accuracy.scalars(), *loss.scalars()])


class _Batch:
    target = torch.zeros(2, dtype=torch.int64)
