import pytest
import torch

from datamodules.corpora import load_corpus


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("grammar")


def test_the_sizes_are_those_announced_and_no_review_is_in_two_splits(corpus) -> None:
    assert (len(corpus.train), len(corpus.selection), len(corpus.test)) == (900, 200, 400)
    texts = [text for split in (corpus.train, corpus.selection, corpus.test) for text in split.texts]
    assert len(set(texts)) == 1500


@pytest.mark.parametrize("part", ["train", "selection", "test"])
def test_classes_are_balanced_and_no_word_is_unknown(corpus, part: str) -> None:
    split = getattr(corpus, part)
    assert split.target.float().mean() == 0.5
    inputs = corpus.store(part).take(torch.arange(len(split)))
    assert not (inputs["input_ids"] == corpus.tokenizer.unk_token_id).any()
    assert inputs["input_ids"].shape[1] < corpus.max_length  # nothing is cut off


def test_a_smaller_train_is_the_beginning_of_the_larger_and_moves_no_other_split(corpus) -> None:
    small = load_corpus("grammar", train_size=100, selection_size=50, options={"max_length": 16})
    assert small.train.texts == corpus.train.texts[:100]
    assert small.test.texts == corpus.test.texts
    assert small.selection.texts == corpus.selection.texts[-50:]
    assert small.store("train").lengths(torch.arange(100)).max() == 16


def test_the_fingerprint_never_changes_within_a_version(corpus) -> None:
    assert corpus.fingerprint == load_corpus("grammar").fingerprint
    assert corpus.fingerprint == "5781392e997c3539f4a25be6fcc2ff8cbf3fa55b61951bf17d4fde332fdaaa21"


def test_the_test_split_can_be_smaller() -> None:
    assert len(load_corpus("grammar", options={"test_size": 60}).test) == 60
    with pytest.raises(ValueError, match="test_size=0: expected a whole number from 1 to 1498"):
        load_corpus("grammar", options={"test_size": 0})
