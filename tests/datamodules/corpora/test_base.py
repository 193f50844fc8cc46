from dataclasses import replace

import pytest
import torch

from datamodules.corpora.base import ImageCorpus, ImageSplit


def _split(count: int, start: int = 0) -> ImageSplit:
    pixels = torch.arange(count * 12, dtype=torch.int64).remainder(251).to(torch.uint8)
    return ImageSplit(pixels.reshape(count, 3, 2, 2), torch.arange(count) % 2, torch.arange(start, start + count))


@pytest.fixture
def corpus() -> ImageCorpus:
    return ImageCorpus(
        name="toy",
        version="1",
        train=_split(6),
        selection=_split(2, 6),
        test=_split(4),
        class_names=("odd", "even"),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        source="here",
    )


def test_a_corpus_says_its_shape_and_its_number_of_classes(corpus: ImageCorpus) -> None:
    assert corpus.input_shape == (3, 2, 2)
    assert corpus.num_classes == 2
    assert len(corpus.train) == 6


def test_the_fingerprint_is_stable(corpus: ImageCorpus) -> None:
    assert corpus.fingerprint == replace(corpus).fingerprint


def test_the_fingerprint_does_not_depend_on_the_layout_in_memory(corpus: ImageCorpus) -> None:
    inputs = corpus.train.inputs.contiguous(memory_format=torch.channels_last)
    assert inputs.stride() != corpus.train.inputs.stride()
    assert replace(corpus, train=replace(corpus.train, inputs=inputs)).fingerprint == corpus.fingerprint


def test_the_fingerprint_does_not_depend_on_the_source(corpus: ImageCorpus) -> None:
    assert replace(corpus, source="elsewhere").fingerprint == corpus.fingerprint


def _with_one_pixel_changed(split: ImageSplit) -> ImageSplit:
    inputs = split.inputs.clone()
    inputs[0, 0, 0, 0] += 1
    return replace(split, inputs=inputs)


@pytest.mark.parametrize("part", ["train", "selection", "test"])
@pytest.mark.parametrize(
    "changed",
    [
        _with_one_pixel_changed,
        lambda split: replace(split, target=1 - split.target),
        lambda split: replace(split, source_index=split.source_index + 1),
    ],
    ids=["pixel", "target", "source_index"],
)
def test_the_fingerprint_depends_on_every_split(corpus: ImageCorpus, part: str, changed) -> None:
    other = replace(corpus, **{part: changed(getattr(corpus, part))})
    assert other.fingerprint != corpus.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"version": "2"},
        {"class_names": ("odd", "even", "neither")},
        {"mean": (0.5, 0.5, 0.4)},
        {"std": (0.25, 0.25, 0.2)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_depends_on_everything_else_but_the_source(corpus: ImageCorpus, change) -> None:
    assert replace(corpus, **change).fingerprint != corpus.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": torch.zeros(6, 3, 2, 2)}, r"ImageSplit\(inputs=...\): expected 4 dimensions of torch.uint8"),
        (
            {"target": torch.zeros(6, dtype=torch.int32)},
            r"ImageSplit\(target=...\): expected 1 dimensions of torch.int64",
        ),
        ({"source_index": torch.arange(5)}, r"ImageSplit\(source_index=...\): 5 rows, but inputs has 6"),
    ],
)
def test_a_split_refuses_wrong_tensors(corpus: ImageCorpus, change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(corpus.train, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": (0.5,)}, r"ImageCorpus\(mean=\(0.5,\)\): expected one value for each of 3 channels"),
        ({"std": (0.5,)}, r"ImageCorpus\(std=\(0.5,\)\): expected one value"),
        ({"class_names": ("only",)}, r"ImageCorpus\(train=...\): a target lies outside 0..0"),
    ],
)
def test_a_corpus_refuses_what_does_not_fit(corpus: ImageCorpus, change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(corpus, **change)


def test_a_corpus_refuses_splits_of_another_image_shape(corpus: ImageCorpus) -> None:
    grey = replace(corpus.test, inputs=corpus.test.inputs[:, :1])
    with pytest.raises(ValueError, match=r"ImageCorpus\(test=...\): images are \(1, 2, 2\), train's \(3, 2, 2\)"):
        replace(corpus, test=grey)
