import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import torch

from datamodules.corpora import CorpusUnavailableError, load_corpus, snippets
from datamodules.corpora.facts import TextFacts, texts_sha256
from datamodules.corpora.sources import file_sha256

# every fourth sentence is rated 0, and the last two say what the first two say
ROWS = [(f"{(-1) ** row * (row % 4 and 1.5)}", f"the film was clever {row:02}") for row in range(40)]
ROWS += [("-0.5", ROWS[1][1]), ("3", ROWS[2][1])]
KEPT = [row for row in range(40) if row % 4]


def _sdist(path: Path) -> Path:
    lines = "\r\n".join(f"{number}\t{rating}\t{text}" for number, (rating, text) in enumerate(ROWS, start=1))
    inner = io.BytesIO()
    for stream, name, content in ((inner, snippets._FILE, lines.encode()), (path.open("wb"), snippets._INNER, None)):
        data = inner.getvalue() if content is None else content
        with stream if content is None else io.BytesIO(), tarfile.open(fileobj=stream, mode="w:gz") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which the archive was placed by hand."""
    folder = tmp_path / "cache" / "snippets"
    folder.mkdir(parents=True)
    archive = _sdist(folder / "toy.tar.gz")
    texts, labels = [ROWS[row][1] for row in KEPT], [1 - row % 2 for row in KEPT]
    monkeypatch.setattr(snippets, "_SDIST", (archive.name, file_sha256(archive)))
    monkeypatch.setattr(snippets, "SENTENCES", len(KEPT))
    monkeypatch.setattr(snippets, "FACTS", TextFacts((20, 10), texts_sha256(texts, labels)))
    return tmp_path / "cache"


OPTIONS = {"tokenizer": "grammar", "test_size": 8, "max_length": 16}


def test_the_class_is_the_sign_of_the_rating_and_each_text_is_there_once(cache: Path) -> None:
    corpus = load_corpus("snippets", selection_size=5, cache=cache, options=OPTIONS)
    splits = (corpus.train, corpus.selection, corpus.test)
    assert [len(split) for split in splits] == [17, 5, 8]
    rows = torch.cat([split.source_index for split in splits]).tolist()
    assert sorted(rows) == KEPT
    for split in splits:
        for text, label, row in zip(split.texts, split.target.tolist(), split.source_index.tolist(), strict=True):
            assert text == ROWS[row][1]
            assert label == int(float(ROWS[row][0]) > 0)
    assert corpus.class_names == ("negative", "positive")
    assert corpus.source == "hand-placed toy.tar.gz"


def test_a_smaller_train_is_the_beginning_of_the_larger_and_moves_no_other_split(cache: Path) -> None:
    whole, small = (
        load_corpus("snippets", train_size=size, selection_size=5, cache=cache, options=OPTIONS) for size in (None, 6)
    )
    assert small.train.texts == whole.train.texts[:6]
    assert small.test.texts == whole.test.texts
    assert small.selection.texts == whole.selection.texts
    assert 2 <= int(small.train.target.sum()) <= 3


def test_another_archive_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snippets, "FACTS", TextFacts((20, 10), hashlib.sha256(b"another").hexdigest()))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(CorpusUnavailableError, match="corpus 'snippets' could not be had") as caught:
        load_corpus("snippets", selection_size=5, cache=cache, options=OPTIONS)
    for told in (
        "1. hand-placed toy.tar.gz: snippets: SHA-256",
        "2. PyPI vaderSentiment==3.3.2: exit status 1",
        "Place",
    ):
        assert told in str(caught.value)


@pytest.fixture(scope="module")
def real():
    return load_corpus("snippets", train_size=2_000)


@pytest.mark.data
def test_the_real_snippets_are_those_announced(real) -> None:
    assert (len(real.train), len(real.selection), len(real.test)) == (2_000, 1_000, 2_000)
    texts = [text for split in (real.train, real.selection, real.test) for text in split.texts]
    assert len(set(texts)) == 5_000
    for split in (real.train, real.selection, real.test):
        assert abs(float(split.target.float().mean()) - 5_241 / 10_566) < 0.001
    words = sum(len(text.split()) for text in texts) / len(texts)
    assert 18.5 < words < 19.5
    lengths = real.store("train").lengths(torch.arange(2_000)).float()
    assert 25 < lengths.mean() < 28


@pytest.mark.data
def test_words_tell_the_class_of_the_real_snippets(real) -> None:
    """Labels belong to their texts: word counts and logistic regression do far better than chance."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(real.train.texts, real.train.target)
    assert model.score(real.test.texts, real.test.target) > 0.68


@pytest.mark.data
def test_the_fingerprint_of_the_real_snippets_never_changes_within_a_version(real) -> None:
    assert real.fingerprint == load_corpus("snippets", train_size=2_000).fingerprint
    assert real.fingerprint == "58be0ae3f083656130648fbce1d28a77ac0699005599cdcdb8c748b09cb9a3ec"
