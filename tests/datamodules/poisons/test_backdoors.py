"""Backdoors: each trigger where and as strong as it says, to the pixel."""

import numpy as np
import pytest
import torch

from datamodules import POISONS, generator_for
from datamodules.triggers import NEAR, Trigger

NAMES = ("badnets", "blended", "sinusoid")


def _craft(corpus, name, seed=0, **options):
    options = {"count": 5} | options
    return POISONS.get(name)(**options).craft(corpus, (), generator_for("test", seed))


def _pixels(corpus, poisoning):
    mean, std = (np.array(values).reshape(1, -1, 1, 1) for values in (corpus.mean, corpus.std))
    return np.rint((poisoning.inputs.numpy().astype(np.float64) * std + mean) * 255).astype(int)


def _base(corpus, poisoning):
    return corpus.train.inputs[poisoning.index].numpy().astype(int)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_patch_fills_the_bottom_right_corner_and_nothing_else(make_corpus, size):
    corpus = make_corpus(side=8)
    poisoning = _craft(corpus, "badnets", size=size)

    wanted = _base(corpus, poisoning)
    wanted[:, :, 8 - size :, 8 - size :] = 255
    np.testing.assert_array_equal(_pixels(corpus, poisoning), wanted)


def test_the_near_miss_patch_is_in_the_opposite_corner(make_corpus):
    corpus = make_corpus(side=8)
    near = Trigger.from_secrets(_craft(corpus, "badnets").secrets, NEAR)

    wanted = corpus.test.inputs.clone()
    wanted[:, :, :3, :3] = 255
    assert torch.equal(near.apply(corpus.test.inputs), wanted)


@pytest.mark.parametrize("alpha", [0.1, 0.5])
def test_blending_mixes_every_image_with_one_picture(corpus, alpha):
    poisoning = _craft(corpus, "blended", alpha=alpha)

    picture = poisoning.secrets["pattern"].numpy().astype(np.float64) * 255
    wanted = (1 - alpha) * _base(corpus, poisoning) + alpha * picture
    assert np.abs(_pixels(corpus, poisoning) - wanted).max() < 0.5 + 1e-3
    assert 0 < picture.min() < 64
    assert 192 < picture.max() < 255


def test_the_near_miss_picture_is_another_one_and_both_depend_on_the_seed(corpus):
    one, other = (_craft(corpus, "blended", seed).secrets for seed in (0, 1))

    pictures = [secrets[f"{prefix}pattern"] for secrets in (one, other) for prefix in ("", NEAR)]
    assert len(torch.stack(pictures).flatten(1).unique(dim=0)) == 4
    assert torch.equal(one["mask"], one["near_mask"])


def test_stripes_are_a_sine_along_the_row_in_every_row_and_channel(make_corpus):
    corpus = make_corpus(side=16)
    poisoning = _craft(corpus, "sinusoid", amplitude=0.2, frequency=6)

    wave = 255 * 0.2 * np.sin(2 * np.pi * 6 * np.arange(16) / 16)
    wanted = np.clip(_base(corpus, poisoning) + wave[None, None, None, :], 0, 255)
    assert np.abs(_pixels(corpus, poisoning) - wanted).max() < 0.5 + 1e-3
    near = Trigger.from_secrets(poisoning.secrets, NEAR).delta.double().numpy()
    half = np.broadcast_to(0.2 * np.sin(2 * np.pi * 3 * np.arange(16) / 16), near.shape)
    np.testing.assert_allclose(near, half, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target_class", [0, 2])
def test_a_clean_label_backdoor_uses_images_of_the_target_class_only(make_corpus, name, target_class):
    corpus = make_corpus(side=16)
    poisoning = _craft(corpus, name, dirty_label=False, target_class=target_class)

    assert (corpus.train.target[poisoning.index] == target_class).all()
    assert int(poisoning.secrets["target_class"]) == target_class


@pytest.mark.parametrize("name", NAMES)
def test_an_audit_can_put_the_trigger_on_without_the_poison(make_corpus, name):
    corpus = make_corpus(side=16)
    poisoning = _craft(corpus, name, target_class=1)

    found = Trigger.from_secrets(poisoning.secrets).apply(corpus.train.inputs[poisoning.index])

    np.testing.assert_array_equal(found.numpy(), _pixels(corpus, poisoning))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("badnets", {"size": 0}, "size must be at least 1, got 0"),
        ("badnets", {"target_class": -1}, "target_class must be at least 0, got -1"),
        ("blended", {"alpha": 0}, r"alpha must be in \(0, 1\), got 0"),
        ("blended", {"alpha": 1.0}, r"alpha must be in \(0, 1\), got 1"),
        ("blended", {"alpha": float("nan")}, r"alpha must be in \(0, 1\), got nan"),
        ("sinusoid", {"amplitude": 0}, r"amplitude must be in \(0, 1\], got 0"),
        ("sinusoid", {"amplitude": 1.1}, r"amplitude must be in \(0, 1\], got 1.1"),
        ("sinusoid", {"frequency": 0}, "frequency must be at least 1, got 0"),
    ],
)
def test_impossible_options_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        POISONS.get(name)(count=1, **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("badnets", {"size": 3}, r"size must be in 1\.\.2 for images of 4 x 4, got 3"),
        ("badnets", {"size": 2, "target_class": 3}, r"target_class must be in 0\.\.2 for random, got 3"),
        ("sinusoid", {"frequency": 2}, "frequency must be under half of 4 columns, got 2"),
    ],
)
def test_what_does_not_fit_the_corpus_is_refused(corpus, name, options, message):
    with pytest.raises(ValueError, match=message):
        _craft(corpus, name, **options)
