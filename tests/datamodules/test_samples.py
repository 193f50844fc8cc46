"""Sets of samples: what is fed, and which sets count as equal."""

import numpy as np
import pytest
import torch

from datamodules import ImageStore, SampleSet

MEAN, STD = (0.4914, 0.4822), (0.2470, 0.2435)


def _pixels(count=12, seed=0):
    return torch.randint(256, (count, 2, 3, 3), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def _replacement(count, seed=1):
    return torch.randn(count, 2, 3, 3, generator=torch.Generator().manual_seed(seed)) * 4


def _set(store, target=None):
    rows = torch.arange(len(store))
    return SampleSet(store, rows, rows % 3 if target is None else target)


def test_take_normalises_every_grey_level_of_every_channel():
    pixels = torch.arange(256).to(torch.uint8).view(1, 1, 16, 16).repeat(3, 2, 1, 1)

    taken = ImageStore.clean(pixels, MEAN, STD).take(torch.tensor([2, 0]))

    level = np.arange(256, dtype=np.float64).reshape(16, 16) / 255
    expected = np.stack([(level - mean) / std for mean, std in zip(MEAN, STD, strict=True)])
    assert taken.dtype == torch.float32
    np.testing.assert_allclose(taken.numpy(), np.stack([expected] * 2), rtol=0, atol=1e-6)


def test_take_follows_the_order_of_the_rows_asked_for():
    store = ImageStore.clean(_pixels(), MEAN, STD)
    everything = store.take(torch.arange(12))

    assert torch.equal(store.take(torch.tensor([5, 5, 0])), everything[[5, 5, 0]])
    assert len(store.take(torch.tensor([], dtype=torch.int64))) == 0


def test_replaced_rows_are_fed_exactly_and_others_as_before():
    clean = ImageStore.clean(_pixels(), MEAN, STD)
    values = _replacement(3)
    store = clean.replace(torch.tensor([8, 2, 11]), values)

    taken = store.take(torch.tensor([2, 3, 11, 8, 2]))

    assert torch.equal(taken, torch.stack([values[1], clean.take(torch.tensor([3]))[0], *values[[2, 0, 1]]]))


def test_replace_hides_the_base_pixels_and_leaves_the_clean_store_clean():
    clean = ImageStore.clean(_pixels(), MEAN, STD)
    before = clean.take(torch.arange(12))

    store = clean.replace(torch.tensor([1]), _replacement(1))

    assert not store.pixels[1].any()
    assert torch.equal(store.pixels[2:], clean.pixels[2:])
    assert torch.equal(clean.take(torch.arange(12)), before)
    assert torch.equal(clean.pixels, _pixels())


def test_what_was_taken_can_be_edited_without_harm():
    store = ImageStore.clean(_pixels(), MEAN, STD).replace(torch.tensor([1]), _replacement(1))
    before = store.take(torch.arange(12))

    store.take(torch.arange(12)).zero_()

    assert torch.equal(store.take(torch.arange(12)), before)


def test_to_keeps_content_and_fingerprint():
    samples = _set(ImageStore.clean(_pixels(), MEAN, STD).replace(torch.tensor([4]), _replacement(1)))
    moved = samples.to(torch.device("cpu"))

    assert torch.equal(moved.batch(torch.arange(12)).inputs, samples.batch(torch.arange(12)).inputs)
    assert moved.fingerprint() == samples.fingerprint()


def test_batch_and_subset_count_positions_of_the_set_not_rows_of_the_store():
    store = ImageStore.clean(_pixels(), MEAN, STD)
    part = _set(store).subset(torch.tensor([9, 4, 7]))

    batch = part.batch(torch.tensor([2, 0]))

    assert len(part) == 3
    assert batch.index.tolist() == [7, 9]
    assert batch.target.tolist() == [7 % 3, 9 % 3]
    assert torch.equal(batch.inputs, store.take(torch.tensor([7, 9])))
    assert part.subset(torch.tensor([1])).index.tolist() == [4]


def test_fingerprint_is_equal_for_equal_content_of_different_stores():
    one = _set(ImageStore.clean(_pixels(), MEAN, STD).replace(torch.tensor([3, 5]), _replacement(2)))
    two = _set(ImageStore.clean(_pixels().clone(), MEAN, STD).replace(torch.tensor([5, 3]), _replacement(2).flip(0)))

    assert one.fingerprint() == two.fingerprint()
    assert len(one.fingerprint()) == 64


def _changed(what):
    pixels, target, mean, std, rows, values = _pixels(), torch.arange(12) % 3, MEAN, STD, [3, 5], _replacement(2)
    index = torch.arange(12)
    if what == "pixels":
        pixels[0, 1, 2, 2] += 1
    elif what == "target":
        target[11] = 0
    elif what == "index":
        index = index.flip(0)
        pixels, rows = pixels.flip(0), [8, 6]  # the same inputs and labels, but of other rows
    elif what == "mean":
        mean = (0.4914, 0.4823)
    elif what == "std":
        std = (0.2471, 0.2435)
    elif what == "replaced values":
        values[1, 0, 0, 0] += 1e-6
    elif what == "replaced rows":
        rows = [3, 6]
    elif what == "swapped values":
        rows = [5, 3]
    return SampleSet(ImageStore.clean(pixels, mean, std).replace(torch.tensor(rows), values), index, target)


@pytest.mark.parametrize(
    "what", ["pixels", "target", "index", "mean", "std", "replaced values", "replaced rows", "swapped values"]
)
def test_fingerprint_changes_with(what):
    assert _changed(what).fingerprint() != _changed("nothing").fingerprint()


def test_fingerprint_of_a_part_does_not_depend_on_pixels_outside():
    other = _pixels()
    other[0] += 1

    one, two = (_set(ImageStore.clean(pixels, MEAN, STD)) for pixels in (_pixels(), other))

    assert one.fingerprint() != two.fingerprint()
    assert one.subset(torch.arange(1, 12)).fingerprint() == two.subset(torch.arange(1, 12)).fingerprint()


def test_fingerprint_depends_on_the_order_of_samples():
    everything = _set(ImageStore.clean(_pixels(), MEAN, STD))
    one, other = (everything.subset(torch.tensor(rows)).fingerprint() for rows in ([0, 1], [1, 0]))

    assert one != other


def test_a_subset_without_poisons_is_the_same_with_and_without_poisons_elsewhere():
    clean = ImageStore.clean(_pixels(), MEAN, STD)
    stays = torch.tensor([0, 1, 4, 6])
    one = _set(clean.replace(torch.tensor([2, 3]), _replacement(2))).subset(stays)
    other_attack = _set(clean.replace(torch.tensor([5]), _replacement(1, seed=9))).subset(stays)

    prints = {part.fingerprint() for part in (_set(clean).subset(stays), one, other_attack)}

    assert len(prints) == 1
    assert _set(clean.replace(torch.tensor([4]), _replacement(1))).subset(stays).fingerprint() not in prints
