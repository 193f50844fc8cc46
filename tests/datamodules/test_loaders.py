"""Loaders: every sample once, in an order that seed and epoch alone decide."""

from itertools import pairwise

import lightning as L
import pytest
import torch

from benchmark.stages.trainers import make_trainer
from datamodules import BatchLoader, ImageStore, SampleSet, TextStore, Tokens, derive_seed, map_inputs
from datamodules.loaders import POOL

N = 23


def _set(rows=None):
    pixels = torch.arange(N).to(torch.uint8).view(N, 1, 1, 1).repeat(1, 1, 2, 2)
    everything = SampleSet(ImageStore.clean(pixels, (0.0,), (1 / 255,)), torch.arange(N), torch.arange(N) % 4)
    return everything if rows is None else everything.subset(rows)


def _epoch(loader, epoch):
    loader.set_epoch(epoch)
    return torch.cat([batch.index for batch in loader]).tolist()


def _noise(inputs, generator):
    return map_inputs(inputs, lambda tensor: tensor + torch.rand(tensor.shape, generator=generator))


def _inputs(loader, epoch):
    loader.set_epoch(epoch)
    return torch.cat([batch.inputs for batch in loader])


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("batch_size", [1, 5, 22, N, 100])
def test_every_sample_comes_exactly_once_an_epoch(seed, batch_size):
    loader = BatchLoader(_set(), batch_size, seed=seed)

    for epoch in range(3):
        assert sorted(_epoch(loader, epoch)) == list(range(N))


def test_inputs_and_labels_belong_to_their_index():
    for batch in BatchLoader(_set(torch.tensor([3, 20, 11, 7])), 3, seed=0):
        assert torch.equal(batch.inputs[:, 0, 0, 0].round().long(), batch.index)
        assert torch.equal(batch.target, batch.index % 4)


def test_last_partial_batch_is_kept_and_length_and_sizes_say_so():
    for size, expected in ((5, [5, 5, 5, 5, 3]), (N, [N]), (100, [N]), (22, [22, 1])):
        loader = BatchLoader(_set(), size, seed=0)
        assert [len(batch.target) for batch in loader] == expected
        assert loader.sizes() == expected
        assert len(loader) == len(expected)


def test_order_depends_on_seed_and_epoch_alone():
    loader = BatchLoader(_set(), 5, seed=3)
    first = [_epoch(loader, epoch) for epoch in (0, 1, 2)]
    torch.manual_seed(123)
    torch.rand(10)

    again = [_epoch(BatchLoader(_set(), 7, seed=3), epoch) for epoch in (2, 0, 1)]

    assert again == [first[2], first[0], first[1]]
    assert len({tuple(order) for order in first}) == 3
    assert _epoch(BatchLoader(_set(), 5, seed=4), 0) != first[0]
    assert list(range(N)) not in first


def test_iterating_leaves_the_global_generator_alone():
    before = torch.get_rng_state()

    list(BatchLoader(_set(), 5, seed=3, augment=_noise))

    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_the_order_of_the_set_is_kept():
    rows = torch.tensor([9, 2, 20, 5])

    assert _epoch(BatchLoader(_set(rows), 3), 4) == rows.tolist()


def test_all_orders_are_equally_likely():
    """Chi-squared over the 24 orders of 4 samples in 2,400 epochs; the 0.999 quantile with 23 degrees is 49.7."""
    loader = BatchLoader(_set(torch.arange(4)), 4, seed=0)
    counts: dict[tuple[int, ...], int] = {}
    for epoch in range(2400):
        order = tuple(loader.order(epoch).tolist())
        counts[order] = counts.get(order, 0) + 1

    assert len(counts) == 24
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 49.7


def test_augmentation_is_drawn_anew_each_epoch_and_again_the_same():
    loader = BatchLoader(_set(), 5, seed=3, augment=_noise)
    plain = _inputs(BatchLoader(_set(), 5, seed=3), 0)

    first, second = _inputs(loader, 0), _inputs(loader, 1)
    torch.manual_seed(9)

    assert torch.equal(_inputs(loader, 0), first)
    noise = first - plain
    assert noise.min() >= 0
    assert len(noise.unique()) > 0.9 * noise.numel()  # no batch repeats the draws of another
    assert not torch.allclose(second - _inputs(BatchLoader(_set(), 5, seed=3), 1), noise, atol=1e-4)
    other = _inputs(BatchLoader(_set(), 5, seed=4, augment=_noise), 0) - _inputs(BatchLoader(_set(), 5, seed=4), 0)
    assert not torch.allclose(other, noise, atol=1e-4)


def test_augmentation_leaves_the_set_and_labels_alone():
    samples = _set()

    batches = list(BatchLoader(samples, 5, seed=3, augment=lambda inputs, _: inputs.zero_()))

    assert torch.cat([batch.index for batch in batches]).sum() == sum(range(N))
    assert torch.equal(samples.batch(torch.arange(N)).inputs[:, 0, 0, 0].round().long(), torch.arange(N))


def _text_set(count=403, seed=0):
    lengths = torch.randint(1, 60, (count,), generator=torch.Generator().manual_seed(seed)).tolist()
    rows = torch.arange(count)
    return SampleSet(TextStore.clean(Tokens.of([[3] * length for length in lengths]), 0), rows, rows % 2)


def _padding(loader, epoch):
    """Padded tokens as a fraction of the real ones."""
    loader.set_epoch(epoch)
    masks = [batch.inputs["attention_mask"] for batch in loader]
    return sum(mask.numel() for mask in masks) / sum(int(mask.sum()) for mask in masks) - 1


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("batch_size", [1, 8, 25, 403, 500])
def test_every_text_comes_exactly_once_an_epoch_in_batches_of_the_sizes_announced(seed, batch_size):
    loader = BatchLoader(_text_set(), batch_size, seed=seed)

    for epoch in range(2):
        assert sorted(_epoch(loader, epoch)) == list(range(403))
        assert [len(batch.target) for batch in loader] == loader.sizes()


def test_texts_of_like_length_share_a_batch():
    assert _padding(BatchLoader(_text_set(), 8, seed=0), 0) < 0.12
    assert _padding(BatchLoader(_text_set(), 8), 0) < 0.03
    samples = _text_set()
    shuffled = torch.randperm(403, generator=torch.Generator().manual_seed(0)).split(8)
    masks = [samples.batch(positions).inputs["attention_mask"] for positions in shuffled]
    assert sum(mask.numel() for mask in masks) / sum(int(mask.sum()) for mask in masks) - 1 > 0.5


def test_batches_of_a_pool_come_in_no_order_of_length_and_each_within_its_pool():
    loader, size = BatchLoader(_text_set(), 8, seed=2), 8
    batches = [batch.inputs["attention_mask"].shape[1] for batch in loader]
    permutation = torch.randperm(403, generator=torch.Generator().manual_seed(derive_seed("order", 2, 0, 0)))
    order = loader.order(0)

    assert any(first > second for first, second in pairwise(batches[:POOL]))
    for start in range(0, 400, POOL * size):
        pool = slice(start, min(start + POOL * size, 400))
        assert set(order[pool].tolist()) == set(permutation[pool].tolist())
    assert order[400:].tolist() == permutation[400:].tolist()


def test_the_order_of_texts_depends_on_seed_epoch_and_repeat_alone():
    loader = BatchLoader(_text_set(), 8, seed=3)
    orders = [loader.order(0), loader.order(1), loader.order(0, repeat=1), BatchLoader(_text_set(), 8, seed=4).order(0)]
    torch.manual_seed(123)

    assert torch.equal(BatchLoader(_text_set(), 8, seed=3).order(0), orders[0])
    assert len({tuple(order.tolist()) for order in orders}) == len(orders)


def test_no_text_is_favoured_by_its_length():
    """The smaller, last batch holds each of 6 texts equally often, whatever its length: 600 epochs, 4 sigma."""
    tokens = Tokens.of([[1] * length for length in (1, 1, 2, 2, 3, 3)])
    samples = SampleSet(TextStore.clean(tokens, 0), torch.arange(6), torch.zeros(6, dtype=torch.int64))
    first, last = torch.zeros(6), torch.zeros(6)
    loader = BatchLoader(samples, 4, seed=0)
    for epoch in range(600):
        order = loader.order(epoch)
        first[order[:4]] += 1
        last[order[4:]] += 1

    assert (first - 400).abs().max() < 4 * (600 * 2 / 9) ** 0.5
    assert (last - 200).abs().max() < 4 * (600 * 2 / 9) ** 0.5


class _Recorder(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[list[int]] = []

    def on_train_epoch_start(self):
        self.seen.append([])

    def training_step(self, batch, batch_idx):
        self.seen[-1] += batch.index.tolist()
        return self.weight**2

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def test_the_trainer_names_the_epoch():
    module = _Recorder()

    make_trainer([], precision="32-true", max_epochs=3, accelerator="cpu").fit(module, BatchLoader(_set(), 5, seed=3))

    assert module.seen == [BatchLoader(_set(), 5, seed=3).order(epoch).tolist() for epoch in range(3)]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2, "augment": _noise}, "augment draws at random and needs a seed"),
    ],
)
def test_impossible_loaders_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        BatchLoader(_set(), **arguments)


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match="empty set"):
        BatchLoader(_set(torch.tensor([], dtype=torch.int64)), 2)
