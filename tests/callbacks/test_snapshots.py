import lightning as L
import pytest
import torch

from benchmark.stages.unlearn import run_unlearner
from callbacks import Ledger, SnapshotCallback
from datamodules import ImageStore, SampleSet
from lightning_modules import UNLEARNERS, NetworkSpec, build_network

STEP = 3 * 4


def run(method, steps, snapshots):
    inputs = torch.randn(23, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(23)
    blank = ImageStore.clean(torch.zeros(23, 1, 8, 8, dtype=torch.uint8), (0.0,), (1.0,))
    everything = SampleSet(blank.replace(rows, inputs), rows, rows % 3)
    return run_unlearner(
        UNLEARNERS.get(method)(),
        build_network(NetworkSpec("small-cnn", 3, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)}), 0),
        everything.subset(rows[:3]),
        everything.subset(rows[3:]),
        passes=steps * STEP,
        batch_size=4,
        forget_batch_size=4,
        seed=0,
        snapshots=snapshots,
        accelerator="cpu",
    )


@pytest.mark.parametrize(
    ("steps", "count", "expected"),
    [(8, 3, [2, 4, 6]), (10, 4, [2, 4, 6, 8]), (9, 1, [4]), (2, 5, [1]), (1, 3, []), (8, 0, [])],
)
def test_moments_lie_at_equal_distances_of_the_plan(steps, count, expected):
    result = run("gd", steps, count)
    assert [snapshot.step for snapshot in result.snapshots] == expected
    assert [snapshot.passes for snapshot in result.snapshots] == [STEP * step for step in expected]


def test_a_snapshot_is_what_a_run_that_ends_there_gives():
    result = run("gd", 8, 3)
    for snapshot in result.snapshots:
        ended = run("gd", snapshot.step, 0).network.state_dict()
        assert ended.keys() == snapshot.weights.keys()
        assert all(torch.equal(ended[name], tensor) for name, tensor in snapshot.weights.items())


def test_snapshots_share_no_storage_with_the_network_or_with_each_other():
    result = run("gd", 8, 3)
    states = [result.network.state_dict(), *(snapshot.weights for snapshot in result.snapshots)]
    places = [{tensor.untyped_storage().data_ptr() for tensor in state.values()} for state in states]
    assert len(set.union(*places)) == sum(map(len, places))


def test_snapshots_change_neither_the_result_nor_the_cost():
    with_them, without = run("gd", 8, 3), run("gd", 8, 0)
    assert with_them.ledger.passes == without.ledger.passes == 8 * STEP
    state = without.network.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in with_them.network.state_dict().items())


def test_a_method_that_acts_at_the_end_is_still_unmoved_on_the_way():
    result = run("ssd", 100, 2)
    before = build_network(NetworkSpec("small-cnn", 3, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)}), 0).state_dict()
    assert len(result.snapshots) == 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in result.snapshots[-1].weights.items())


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="count must be at least 0, got -1"):
        SnapshotCallback(Ledger(), -1)


def test_only_unlearners_are_followed():
    with pytest.raises(TypeError, match="SnapshotCallback follows an Unlearner, got LightningModule"):
        SnapshotCallback(Ledger(), 1).on_train_start(L.Trainer(logger=False, accelerator="cpu"), L.LightningModule())
