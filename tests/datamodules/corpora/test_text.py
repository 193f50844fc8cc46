from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from datamodules import load_tokenizer
from datamodules.corpora import text
from datamodules.corpora.text import TextCorpus, TextSplit, Tokenization, stored_tokens
from datamodules.text_store import Tokens

TEXTS = ["the plot was dull .", "a film", "we loved the Music , and we praised the cast .", "the end"]
LABELS = [0, 1, 1, 0]


@pytest.fixture
def how() -> Tokenization:
    return Tokenization(load_tokenizer("grammar"), "grammar", 8)


def _corpus(how: Tokenization) -> TextCorpus:
    train, selection, test = (how.split(TEXTS, LABELS, places) for places in ([2, 0], [1], [3]))
    return TextCorpus(
        name="toy",
        version="1",
        train=train,
        selection=selection,
        test=test,
        class_names=("bad", "good"),
        source="here",
        tokenization=how,
    )


@pytest.fixture
def corpus(how: Tokenization) -> TextCorpus:
    return _corpus(how)


def test_a_split_keeps_texts_labels_rows_and_tokens_together(corpus: TextCorpus) -> None:
    split = corpus.train
    assert split.texts == (TEXTS[2], TEXTS[0])
    assert split.target.tolist() == [1, 0]
    assert split.source_index.tolist() == [2, 0]
    assert len(split) == len(split.tokens) == 2


def test_rows_of_the_file_and_known_tokens_are_taken_over(how: Tokenization) -> None:
    known = Tokens.of([[1], [2, 2], [3], [4]])
    split = how.split(TEXTS, LABELS, [3, 1], rows=[10, 20, 30, 40], tokens=known)
    assert split.source_index.tolist() == [40, 20]
    assert split.tokens.ids.tolist() == [4, 2, 2]


def test_texts_become_tokens_between_the_special_ones_and_are_truncated(corpus: TextCorpus) -> None:
    vocabulary = corpus.tokenizer.get_vocab()
    words = ["[CLS]", "we", "loved", "the", "music", ",", "and", "[SEP]"]  # of the eight allowed, two are special
    inputs = corpus.store("train").take(torch.arange(2))
    assert inputs["input_ids"][0].tolist() == [vocabulary[word] for word in words]
    words = ["[CLS]", "the", "plot", "was", "dull", ".", "[SEP]", "[PAD]"]
    assert inputs["input_ids"][1].tolist() == [vocabulary[word] for word in words]
    assert inputs["attention_mask"].tolist() == [[1] * 8, [1] * 7 + [0]]


def test_encoding_is_what_the_store_feeds_and_decoding_gives_the_text_back(corpus: TextCorpus) -> None:
    encoded, fed = corpus.encode(corpus.train.texts), corpus.store("train").take(torch.arange(2))
    assert encoded.keys() == fed.keys()
    assert all(torch.equal(encoded[key], fed[key]) for key in fed)
    assert corpus.decode(encoded["input_ids"]) == ["we loved the music , and", "the plot was dull ."]
    assert corpus.decode([row.tolist() for row in encoded["input_ids"]]) == corpus.decode(encoded["input_ids"])
    assert corpus.encode([])["input_ids"].shape == (0, 0)


def test_many_texts_are_tokenised_as_each_alone(how: Tokenization, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = how.tokens(TEXTS)
    monkeypatch.setattr(text, "_CHUNK", 3)
    assert torch.equal(how.tokens(TEXTS).ids, whole.ids)
    alone = [how.tokens([one]).ids for one in TEXTS]
    assert torch.equal(torch.cat(alone), whole.ids)
    assert whole.lengths(torch.arange(4)).tolist() == [len(ids) for ids in alone]
    assert whole.ids.dtype == torch.int32


def test_what_a_corpus_says_of_itself(corpus: TextCorpus) -> None:
    assert (corpus.modality, corpus.num_classes, corpus.max_length, corpus.pad) == ("text", 2, 8, 0)
    samples = corpus.samples("test")
    assert samples.target.tolist() == [0]
    assert corpus.decode(samples.batch(torch.tensor([0])).inputs["input_ids"]) == ["the"]  # "end" is no word of it


def _relabelled(corpus: TextCorpus) -> TextCorpus:
    return replace(corpus, test=replace(corpus.test, target=1 - corpus.test.target))


@pytest.mark.parametrize(
    "changed",
    [
        _relabelled,
        lambda corpus: replace(corpus, test=replace(corpus.test, texts=("The end",))),
        lambda corpus: replace(corpus, test=replace(corpus.test, source_index=torch.tensor([4]))),
        lambda corpus: replace(corpus, test=replace(corpus.test, tokens=Tokens.of([[2, 3]]))),
        lambda corpus: replace(corpus, test=corpus.selection, selection=corpus.test),
        lambda corpus: replace(corpus, class_names=("good", "bad")),
        lambda corpus: replace(corpus, version="2"),
        lambda corpus: replace(corpus, tokenization=replace(corpus.tokenization, max_length=9)),
        lambda corpus: replace(corpus, tokenization=replace(corpus.tokenization, name="another")),
    ],
    ids=["label", "text", "row", "tokens", "splits", "classes", "version", "length", "tokenizer"],
)
def test_the_fingerprint_changes_with(corpus: TextCorpus, changed: Callable[[TextCorpus], TextCorpus]) -> None:
    assert changed(corpus).fingerprint != corpus.fingerprint


def test_the_fingerprint_depends_on_neither_the_source_nor_what_was_tokenised_before(how: Tokenization) -> None:
    first = _corpus(how).fingerprint
    how.tokenizer(["a film", "the plot was dull ."], padding=True, truncation=True, max_length=4)
    again = Tokenization(how.tokenizer, "grammar", 8)
    assert again.digest == how.digest
    assert replace(_corpus(again), source="elsewhere").fingerprint == first


def test_another_vocabulary_is_another_digest(how: Tokenization) -> None:
    other = type(how.tokenizer)(tokenizer_object=_with_one_more_word(how))
    assert Tokenization(other, "grammar", 8).digest != how.digest


def _with_one_more_word(how: Tokenization):
    backend = type(how.tokenizer.backend_tokenizer).from_str(how.tokenizer.backend_tokenizer.to_str())
    backend.add_tokens(["unheard-of"])
    return backend


@pytest.mark.parametrize("length", [0, 2, 65, 8.0, True, "8"])
def test_an_impossible_length_is_refused(how: Tokenization, length: object) -> None:
    with pytest.raises(ValueError, match=f"max_length={length!r}: expected a whole number from 3 to 64 for grammar"):
        replace(how, max_length=length)


def test_splits_of_different_lengths_are_refused(corpus: TextCorpus) -> None:
    with pytest.raises(ValueError, match=r"TextSplit\(tokens=...\): 1 rows, but there are 2 texts"):
        replace(corpus.train, tokens=corpus.test.tokens)
    with pytest.raises(ValueError, match=r"TextSplit\(target=...\): 1 rows"):
        TextSplit(("a", "b"), torch.tensor([0]), torch.arange(2), Tokens.of([[1], [2]]))


def test_a_label_without_a_class_is_refused(corpus: TextCorpus) -> None:
    with pytest.raises(ValueError, match=r"TextCorpus\(test=...\): a target lies outside 0..1"):
        replace(corpus, test=replace(corpus.test, target=torch.tensor([2])))


class _Counting:
    """Stands in for the tokenizer and counts the texts."""

    def __init__(self, how: Tokenization) -> None:
        self.how, self.name, self.digest, self.max_length = how, how.name, how.digest, how.max_length
        self.texts = 0

    def tokens(self, texts: list[str]) -> Tokens:
        self.texts += len(texts)
        return self.how.tokens(texts)


def test_texts_are_tokenised_once_for_each_tokenizer_and_length(how: Tokenization, tmp_path: Path) -> None:
    counting = _Counting(how)
    first, second = (stored_tokens(tmp_path, "toy", counting, TEXTS) for _ in range(2))
    assert counting.texts == len(TEXTS)
    assert torch.equal(first.ids, how.tokens(TEXTS).ids)
    assert torch.equal(second.ids, first.ids)
    assert torch.equal(second.offsets, first.offsets)

    counting.max_length = 7
    stored_tokens(tmp_path, "toy", counting, TEXTS)
    counting.digest = "another"
    stored_tokens(tmp_path, "toy", counting, TEXTS)
    assert counting.texts == 3 * len(TEXTS)
