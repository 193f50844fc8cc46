"""Augmentation, against one image at a time."""

import numpy as np
import pytest
import torch

from datamodules.augmentation import build_augmentation, flip_and_crop

H, W, P = 6, 8, 2


def _images(count=4000, channels=3):
    """Every pixel of the batch is another number."""
    return torch.arange(float(count * channels * H * W)).view(count, channels, H, W)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _versions(image):
    """Every (flipped, down, right) version of one image ``(C, H, W)``, by numpy's own padding."""
    padded = np.pad(image, ((0, 0), (P, P), (P, P)), mode="reflect")
    return {
        (flipped, down, right): cut[:, :, ::-1] if flipped else cut
        for down in range(2 * P + 1)
        for right in range(2 * P + 1)
        for cut in [padded[:, down : down + H, right : right + W]]
        for flipped in (False, True)
    }


def test_each_image_is_one_of_its_own_versions_and_all_versions_are_equally_likely():
    images = _images()

    out = flip_and_crop(images, _generator(), padding=P).numpy()

    counts = dict.fromkeys(_versions(images[0].numpy()), 0)
    for before, after in zip(images.numpy(), out, strict=True):
        found = [key for key, version in _versions(before).items() if np.array_equal(version, after)]
        assert len(found) == 1
        counts[found[0]] += 1
    expected = len(images) / len(counts)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == 50
    assert statistic < 85.4  # the 0.999 quantile of chi-squared with 49 degrees of freedom


def test_versions_of_one_image_are_told_apart():
    """Otherwise the test above could not fail."""
    versions = list(_versions(_images(1)[0].numpy()).values())

    assert len({version.tobytes() for version in versions}) == 50


def test_result_is_new_float32_of_the_same_shape_and_the_input_is_untouched():
    images = torch.randn(7, 1, H, W, generator=_generator())
    before = images.clone()

    out = flip_and_crop(images, _generator(1), padding=1)

    assert out.shape == images.shape
    assert out.dtype == torch.float32
    assert torch.equal(images, before)
    assert out.data_ptr() != images.data_ptr()


def test_the_generator_alone_decides():
    images = _images(50)
    first = flip_and_crop(images, _generator(5), padding=P)
    state = torch.get_rng_state()

    again = flip_and_crop(images, _generator(5), padding=P)

    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(again, first)
    assert not torch.equal(flip_and_crop(images, _generator(6), padding=P), first)


def test_channels_last_images_give_the_same():
    images = _images(20)
    strided = images.to(memory_format=torch.channels_last)

    assert torch.equal(flip_and_crop(strided, _generator(), padding=P), flip_and_crop(images, _generator(), padding=P))


@pytest.mark.parametrize(("side", "padding"), [(32, 4), (8, 1), (5, 1)])
def test_named_augmentation_pads_an_eighth_of_the_height(side, padding):
    images = torch.rand(30, 1, side, side, generator=_generator())

    augmented = build_augmentation("flip-crop")(images, _generator(2))

    assert torch.equal(augmented, flip_and_crop(images, _generator(2), padding=padding))


def test_none_is_no_augmentation():
    assert build_augmentation("none") is None


def test_unknown_names_and_texts_are_refused():
    with pytest.raises(ValueError, match="'none' or 'flip-crop', got 'mixup'"):
        build_augmentation("mixup")
    with pytest.raises(TypeError, match="images"):
        build_augmentation("flip-crop")({"input_ids": torch.zeros(1, 1)}, _generator())
