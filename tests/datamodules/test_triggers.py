"""Triggers: the formula, in whole pixels, and what an audit reads back."""

import numpy as np
import pytest
import torch

from datamodules import generator_for
from datamodules.poison import choose_of_classes
from datamodules.triggers import NEAR, Trigger, corner_patches

SHAPE = (2, 4, 4)


def _random_trigger(seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask, pattern, delta = torch.rand(3, *SHAPE, generator=generator)
    return Trigger(mask, pattern, delta - 0.5)


def test_a_trigger_is_its_formula_rounded_to_whole_pixels(corpus):
    trigger, pixels = _random_trigger(), corpus.test.inputs
    untouched = pixels.clone()

    found = trigger.apply(pixels)

    mask, pattern, delta = (part.numpy().astype(np.float64) for part in (trigger.mask, trigger.pattern, trigger.delta))
    wanted = np.clip((1 - mask) * pixels.numpy() / 255 + mask * pattern + delta, 0, 1) * 255
    assert found.dtype == torch.uint8
    assert np.abs(found.numpy() - wanted).max() < 0.5 + 1e-3
    assert {0, 255} <= set(found.unique().tolist())  # clipped on both sides, without wrapping around
    assert torch.equal(pixels, untouched)


def test_a_trigger_survives_the_secrets():
    one, two = _random_trigger(1), _random_trigger(2)
    secrets = one.secrets() | two.secrets(NEAR)

    for trigger, prefix in ((one, ""), (two, NEAR)):
        read = Trigger.from_secrets(secrets, prefix)
        for part in ("mask", "pattern", "delta"):
            assert torch.equal(getattr(read, part), getattr(trigger, part))


def test_impossible_triggers_are_refused():
    zeros = torch.zeros(SHAPE)
    with pytest.raises(ValueError, match=r"mask must lie in \[0, 1\], got 2\.\.2"):
        Trigger(zeros + 2, zeros, zeros)
    with pytest.raises(ValueError, match=r"pattern must lie in \[0, 1\], got nan\.\.nan"):
        Trigger(zeros, zeros + torch.nan, zeros)
    with pytest.raises(ValueError, match="must have one shape"):
        Trigger(zeros, zeros[0], zeros)


@pytest.mark.parametrize("size", [0, 3])
def test_patches_that_would_overlap_or_be_empty_are_refused(size):
    with pytest.raises(ValueError, match=rf"size must be in 1\.\.2 for images of 4 x 6, got {size}"):
        corner_patches((2, 4, 6), size)


def test_equally_many_of_each_class_are_drawn(corpus):
    labels = corpus.train.target

    rows = choose_of_classes(corpus, (2, 0), 7, generator_for("test"))

    assert rows.tolist() == sorted(set(rows.tolist()))
    assert labels[rows].bincount(minlength=3).tolist() == [3, 0, 4]


def test_every_row_of_a_class_is_equally_likely(corpus):
    """Chi-squared over the rows of a class in 1,000 draws; the bound is its 0.999 quantile for up to 20 rows."""
    rows = (corpus.train.target == 1).nonzero().squeeze(1)
    counts = torch.zeros(40)
    for seed in range(1000):
        counts[choose_of_classes(corpus, (1,), 3, generator_for("test", seed))] += 1

    expected = 3000 / len(rows)
    assert counts.sum() == counts[rows].sum() == 3000
    assert ((counts[rows] - expected) ** 2 / expected).sum() < 43.8


def test_too_many_are_refused(corpus):
    available = int((corpus.train.target == 1).sum())

    assert len(choose_of_classes(corpus, (1,), available, generator_for("test"))) == available
    with pytest.raises(ValueError, match=f"asks for {available + 1} samples of class 1, random has {available}"):
        choose_of_classes(corpus, (1,), available + 1, generator_for("test"))
