"""Sets made from plain tensors, and the machinery that runs a method on given batches."""

from types import SimpleNamespace

import pytest
import torch

from benchmark.stages.trainers import make_trainer
from callbacks import BudgetCallback, Ledger
from datamodules import ImageStore, SampleSet
from lightning_modules import PhaseLoader, plan_steps


def _sample_set(inputs, target):
    """A set that feeds exactly ``inputs``."""
    rows = torch.arange(len(target))
    blank = torch.zeros(inputs.shape, dtype=torch.uint8)
    channels = inputs.shape[1]
    store = ImageStore.clean(blank, (0.0,) * channels, (1.0,) * channels).replace(rows, inputs)
    return SampleSet(store, rows, target)


def _drive(unlearner, network, data, *, passes=1e9, seed=0):
    """Run a method on ``network`` in place, as the suite runs it, on batches that the test has cut."""
    ledger = Ledger(passes)
    plan = plan_steps(unlearner, data, passes)
    unlearner.attach(network, plan=plan, seed=seed)
    trainer = make_trainer([BudgetCallback(ledger)], precision="32-true", max_epochs=plan.epochs, accelerator="cpu")
    trainer.fit(unlearner, train_dataloaders=PhaseLoader(data, unlearner))
    return SimpleNamespace(network=network, ledger=ledger, plan=plan)


@pytest.fixture(scope="session")
def sample_set():
    return _sample_set


@pytest.fixture(scope="session")
def drive():
    return _drive
