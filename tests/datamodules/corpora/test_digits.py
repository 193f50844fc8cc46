import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from datamodules.corpora import Corpus, digits, load_corpus
from datamodules.corpora.facts import channel_statistics


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus("digits")


def test_the_sizes_are_those_announced(corpus: Corpus) -> None:
    assert (len(corpus.train), len(corpus.selection), len(corpus.test)) == (1197, 200, 400)
    assert corpus.input_shape == (1, 8, 8)
    assert corpus.class_names == tuple("0123456789")


def test_every_image_is_in_exactly_one_split(corpus: Corpus) -> None:
    rows = torch.cat([split.source_index for split in (corpus.train, corpus.selection, corpus.test)])
    assert sorted(rows.tolist()) == list(range(1797))


@pytest.mark.parametrize("part", ["train", "selection", "test"])
def test_the_rows_are_scikit_learns_rescaled(corpus: Corpus, part: str) -> None:
    levels, labels = load_digits(return_X_y=True)
    split = getattr(corpus, part)
    rows = split.source_index.numpy()
    np.testing.assert_array_equal(split.inputs.flatten(1).numpy(), np.round(levels[rows] * 255 / 16))
    np.testing.assert_array_equal(split.target.numpy(), labels[rows])
    assert int(split.inputs.max()) == 255


@pytest.mark.parametrize("part", ["train", "selection", "test"])
def test_each_split_holds_the_classes_in_proportion(corpus: Corpus, part: str) -> None:
    target = getattr(corpus, part).target
    share = torch.tensor(digits.FACTS.per_class) / 1797
    assert (torch.bincount(target, minlength=10) - share * len(target)).abs().max() < 1.5


def test_a_smaller_train_is_the_beginning_of_the_larger_and_moves_no_other_split(corpus: Corpus) -> None:
    small = load_corpus("digits", train_size=100, selection_size=50)
    assert torch.equal(small.train.source_index, corpus.train.source_index[:100])
    assert torch.equal(small.test.source_index, corpus.test.source_index)
    assert torch.equal(small.selection.source_index, corpus.selection.source_index[-50:])
    assert torch.bincount(small.train.target).min() >= 9


def test_mean_and_std_are_those_of_the_default_training_images(corpus: Corpus) -> None:
    mean, std = channel_statistics(corpus.train.inputs.numpy())
    assert (corpus.mean, corpus.std) == (pytest.approx(mean, abs=5e-7), pytest.approx(std, abs=5e-7))


def test_the_fingerprint_never_changes_within_a_version(corpus: Corpus) -> None:
    assert corpus.fingerprint == load_corpus("digits").fingerprint
    assert corpus.fingerprint == "c301a6eaa386b487f6f59598c631682a34600eceff73956ea137fe7c5c8bb021"


def test_the_largest_sizes_work_and_larger_ones_do_not() -> None:
    assert len(load_corpus("digits", train_size=1, selection_size=1396).selection) == 1396
    with pytest.raises(ValueError, match="train_size=1198: expected a whole number from 1 to 1197 with selection"):
        load_corpus("digits", train_size=1198)
