"""The history of a training, against a training loop by hand."""

import math

import pytest
import torch
from torch import nn

from benchmark.stages.trainers import make_trainer
from callbacks import HistoryCallback
from datamodules import BatchLoader, ImageStore, SampleSet
from lightning_modules import Recipe, TrainingModule, lr_factor

EPOCHS, N, BATCH = 3, 23, 5
STEPS = 5  # of an epoch; the last one has three samples


def _loader():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (N, 1, 2, 2), generator=generator).to(torch.uint8)
    target = torch.randint(3, (N,), generator=generator)
    samples = SampleSet(ImageStore.clean(pixels, (0.5,), (0.5,)), torch.arange(N), target)
    return BatchLoader(samples, BATCH, seed=1)


def _network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))


def _recipe(schedule):
    return Recipe(epochs=EPOCHS, batch_size=BATCH, lr=0.3, schedule=schedule, precision="32-true")


def _history(schedule, max_steps=-1):
    history, recipe = HistoryCallback(), _recipe(schedule)
    trainer = make_trainer([history], precision="32-true", max_epochs=EPOCHS, max_steps=max_steps, accelerator="cpu")
    trainer.fit(TrainingModule(_network(), recipe), train_dataloaders=_loader())
    return history.epochs


def _by_hand(schedule, steps):
    """Mean loss over the samples of each epoch, each taken before its step, and the rate after the last."""
    network, recipe, loader = _network(), _recipe(schedule), _loader()
    optimizer = torch.optim.SGD(
        network.parameters(), recipe.lr, momentum=recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay
    )
    lines, done = [], 0
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        total = 0.0
        for batch in loader:
            optimizer.param_groups[0]["lr"] = recipe.lr * lr_factor(schedule, done, steps)
            loss = nn.functional.cross_entropy(network(batch.inputs), batch.target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch.target)
            done += 1
        lines.append({"epoch": epoch, "loss": total / N, "lr": recipe.lr * lr_factor(schedule, done, steps)})
    return lines


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_history_is_that_of_a_loop_by_hand(schedule):
    found, expected = _history(schedule), _by_hand(schedule, EPOCHS * STEPS)

    assert [set(line) for line in found] == [{"epoch", "loss", "lr"}] * EPOCHS
    for line, wanted in zip(found, expected, strict=True):
        assert line["epoch"] == wanted["epoch"]
        assert line["loss"] == pytest.approx(wanted["loss"], rel=1e-5)
        assert line["lr"] == pytest.approx(wanted["lr"], rel=1e-6, abs=1e-12)


def test_an_epoch_that_is_cut_short_has_its_line():
    found = _history("constant", max_steps=STEPS + 2)

    assert [line["epoch"] for line in found] == [0, 1]
    assert found[0] == _history("constant")[0]
    assert found[1]["loss"] != _history("constant")[1]["loss"]


def test_a_loss_that_is_not_a_number_is_not_hidden():
    history, network = HistoryCallback(), _network()
    torch.nn.init.constant_(network[1].bias, math.nan)

    trainer = make_trainer([history], precision="32-true", max_epochs=1, accelerator="cpu")
    trainer.fit(TrainingModule(network, _recipe("constant")), _loader())

    assert math.isnan(history.epochs[0]["loss"])


def test_a_second_training_does_not_inherit_the_mean_of_the_first():
    history = HistoryCallback()
    for _ in range(2):
        module = TrainingModule(_network(), _recipe("constant"))
        make_trainer([history], precision="32-true", max_epochs=1, accelerator="cpu").fit(module, _loader())

    assert history.epochs[0] == history.epochs[1]
