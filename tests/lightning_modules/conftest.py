"""Sets made from plain tensors, tiny text networks that need no download, and what runs a method on given batches."""

from types import SimpleNamespace

import pytest
import torch

from benchmark.stages.trainers import make_trainer
from callbacks import BudgetCallback, Ledger
from datamodules import Batch, ImageStore, SampleSet
from lightning_modules import NetworkSpec, PhaseLoader, build_network, plan_steps

PROMPT = {"template_ids": (5, 6, 7), "label_ids": (8, 9)}
TEXT_SPECS = {
    "bert": NetworkSpec("classifier:tiny-bert", 2, 0),
    "bert-lora": NetworkSpec("classifier:tiny-bert", 2, 0, {"lora_rank": 2}),
    "bert-frozen": NetworkSpec("classifier:tiny-bert", 2, 0, {"train_embeddings": False}),
    "gpt2": NetworkSpec("classifier:tiny-gpt2", 2, 0),
    "gpt2-mean": NetworkSpec("classifier:tiny-gpt2", 2, 0, {"pooling": "mean"}),
    "prompted": NetworkSpec("prompted:tiny-gpt2", 2, 0, PROMPT),
    "prompted-label": NetworkSpec("prompted:tiny-gpt2", 2, 0, PROMPT | {"loss_on": "label"}),
    "prompted-lora": NetworkSpec("prompted:tiny-gpt2", 2, 0, PROMPT | {"lora_rank": 2}),
}


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


def _text_batch(lengths=(7, 3, 1, 12), *, extra=0, noise=False, seed=0):
    """Random tokens in rows of these lengths; ``extra`` more columns of padding, which is never the same token."""
    generator = torch.Generator().manual_seed(seed)
    width = max(lengths)
    ids = torch.randint(10, 1000, (len(lengths), width), generator=generator)
    values = 0.1 * torch.randn(len(lengths), width, 32, generator=generator)
    mask = (torch.arange(width) < torch.tensor(lengths).unsqueeze(1)).long()
    ids = torch.where(mask.bool(), ids, torch.randint(1000, ids.shape, generator=generator))
    values = values * mask.unsqueeze(2)
    if extra:
        ids = torch.cat([ids, torch.randint(1000, (len(lengths), extra), generator=generator)], 1)
        mask, values = (torch.nn.functional.pad(mask, (0, extra)), torch.nn.functional.pad(values, (0, 0, 0, extra)))
    inputs = {"input_ids": ids, "attention_mask": mask}
    if noise:
        inputs["embedding_noise"] = values
    rows = torch.arange(len(lengths))
    return Batch(inputs, rows % 2, rows)


@pytest.fixture(scope="session")
def text_batch():
    return _text_batch


@pytest.fixture(params=TEXT_SPECS)
def text_network(request):
    """A tiny network whose weights are not at their start, so that adapters do something."""
    network = build_network(TEXT_SPECS[request.param], 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return network


@pytest.fixture(scope="session")
def text_specs():
    return TEXT_SPECS
