"""Unlearn: what a method is given, what it leaves behind, and what that cost."""

import json
from dataclasses import replace

import pytest
import torch

from benchmark.stages.train import WEIGHTS_FILE
from benchmark.stages.unlearn import UnlearnConfig, forward_flops, unlearn
from benchmark.tensors import load_tensors
from datamodules import load_corpus
from lightning_modules import NetworkSpec, build_network


@pytest.fixture
def config(lab, poisoned):
    return UnlearnConfig(
        network=lab.network,
        method="gd",
        hyperparameters={},
        budget=0.3,
        training_passes=poisoned.meta["passes"],
        batch_size=64,
        forget_batch_size=8,
        augmentation="none",
        precision="32-true",
        snapshots=2,
        seed=1,
    )


@pytest.fixture
def run(lab, crafted, poisoned):
    def go(config):
        folder = lab.folder()
        meta = unlearn(config, crafted.config, crafted.folder, poisoned.folder / WEIGHTS_FILE, folder)
        return meta, load_tensors(folder / WEIGHTS_FILE), folder

    return go


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_weights_snapshots_and_ledger_are_written(run, config):
    meta, weights, folder = run(config)
    names = {path.name for path in folder.iterdir()}
    assert names == {WEIGHTS_FILE, "ledger.json", "snapshot-0.safetensors", "snapshot-1.safetensors"}
    passes = [snapshot["passes"] for snapshot in meta["snapshots"]]
    assert 0 < passes[0] < passes[1] < meta["cost"]["passes"] <= 0.3 * config.training_passes
    assert not same(load_tensors(folder / "snapshot-0.safetensors"), weights)
    assert json.loads((folder / "ledger.json").read_text())["plan"]["passes"] == meta["cost"]["passes"]


def test_a_method_that_uses_up_its_budget_says_so_and_one_that_ends_by_itself_too(run, config):
    assert run(config)[0]["cost"]["stopped_by_budget"]
    short = replace(config, method="ga", hyperparameters={"max_epochs": 1})
    assert not run(short)[0]["cost"]["stopped_by_budget"]


def test_forget_batches_have_their_own_size_unless_a_method_wants_equal_ones(run, config):
    def sizes_matter(method):
        small, large = (run(replace(config, method=method, forget_batch_size=size))[1] for size in (8, 64))
        return not same(small, large)

    assert sizes_matter("ga")
    assert not sizes_matter("ssd")


def test_flops_are_passes_times_the_forward_of_one_sample(lab, run, config, crafted):
    """Counted by hand: two operations a multiplication, of the five convolutions and the head on 8 x 8 images."""
    network = build_network(lab.network, 0)
    kernels = [(1, 4, 64), (4, 4, 64), (4, 8, 16), (8, 8, 16), (8, 16, 16)]
    expected = sum(2 * 9 * inside * outside * pixels for inside, outside, pixels in kernels) + 2 * 64 * 10
    assert forward_flops(network, lab.data(crafted).retain_set) == expected
    cost = run(config)[0]["cost"]
    assert cost["flops"] == expected * cost["passes"]


def test_running_twice_gives_the_same_bits(run, config):
    assert same(run(config)[1], run(config)[1])


def test_the_operations_of_texts_are_those_of_one_of_median_length() -> None:
    samples = load_corpus("grammar", options={"tokenizer": "grammar", "max_length": 32}).samples("train")
    network = build_network(NetworkSpec("classifier:tiny-bert", 2, 0), 0)
    lengths = samples.store.lengths(samples.index)
    assert lengths is not None
    positions = [int(lengths.argmin()), int(lengths.argsort()[len(lengths) // 2]), int(lengths.argmax())]
    short, median, long = (forward_flops(network, samples.subset(torch.tensor([place]))) for place in positions)
    assert short < forward_flops(network, samples) == median < long
