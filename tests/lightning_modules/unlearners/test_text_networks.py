"""Every method runs on text networks as it does on images: classifiers, adapters and prompted language models."""

import copy

import pytest
import torch

from datamodules import SampleSet, derive_seed
from datamodules.text_store import TextStore, Tokens
from lightning_modules import UNLEARNERS, UnlearnData, build_network
from lightning_modules.networks.frozen import frozen_for_good

pytestmark = pytest.mark.filterwarnings(
    r"ignore:Found \d+ module\(s\) in eval mode",
    "ignore:`LightningModule.configure_optimizers` returned `None`",
)
NETWORKS = ["bert", "bert-lora", "bert-frozen", "gpt2", "prompted", "prompted-lora"]
FORGET, RETAIN = 5, 13


@pytest.fixture(scope="module")
def sets():
    """Random tokens of mixed lengths; the forget set has noise on its embeddings."""
    generator = torch.Generator().manual_seed(3)
    lengths = torch.randint(1, 15, (FORGET + RETAIN,), generator=generator).tolist()
    tokens = Tokens.of([torch.randint(10, 1000, (length,), generator=generator).tolist() for length in lengths])
    rows = torch.arange(FORGET)
    noise = {
        "noise_seed": rows + 1,
        "noise_std": torch.full((FORGET,), 0.3),
        "noise_width": torch.full((FORGET,), 32),
    }
    store = TextStore.clean(tokens, 0)
    store = store.replace(rows, store.take(rows) | noise)
    everything = SampleSet(store, torch.arange(len(lengths)), torch.arange(len(lengths)) % 2)
    return everything.subset(rows), everything.subset(torch.arange(FORGET, len(lengths)))


def data_of(sets):
    return UnlearnData.from_sets(*sets, batch_size=4, forget_batch_size=3, seed=derive_seed("text"))


def values(network):
    return {name: value.detach().clone() for name, value in network.named_parameters()}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", UNLEARNERS.all())
def test_runs_within_its_plan_and_moves_what_trains(method, name, sets, drive, text_specs):
    network = build_network(text_specs[name], 0)
    with torch.no_grad():  # adapters whose second factor is 0 have gradients of 0
        for tensor in network.state_dict().values():
            tensor.add_(0.05 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(4)))
    before = values(network)
    run = drive(UNLEARNERS.get(method)(), copy.deepcopy(network), data_of(sets), passes=4 * 3 * (FORGET + RETAIN))
    after = values(run.network)
    assert run.plan.steps > 0
    assert not run.ledger.refused
    assert run.ledger.passes == run.plan.passes
    assert all(torch.isfinite(value).all() for value in after.values())
    moved = {part for part in before if not torch.equal(before[part], after[part])}
    assert moved
    assert not moved & frozen_for_good(network)
    assert moved <= set(network.state_dict())
