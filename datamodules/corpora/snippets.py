"""Snippets: 10,605 sentences of film reviews with the mean of twenty people's ratings of their sentiment.

Source: B. Pang and L. Lee, "Seeing stars", ACL 2005 (the sentences, from Rotten Tomatoes); C. J. Hutto and E. Gilbert,
"VADER: A parsimonious rule-based model for sentiment analysis of social media text", ICWSM 2014 (the ratings).
"""

import io
import tarfile
from pathlib import Path

import torch
from torch import Tensor

from datamodules.checkpoints import load_tokenizer
from datamodules.corpora.archives import tar_member
from datamodules.corpora.chain import fetch_first
from datamodules.corpora.facts import TextFacts
from datamodules.corpora.packed import pack, read_tensor, read_texts
from datamodules.corpora.registries import PyPIDownload
from datamodules.corpora.sources import HandPlaced, Source
from datamodules.corpora.splits import cut_order, stratified_order
from datamodules.corpora.store import cache_root, ensure_stored
from datamodules.corpora.text import TextCorpus, TextSplit, Tokenization

NAME, VERSION = "snippets", "1"
CLASS_NAMES = ("negative", "positive")
TEST_SIZE, DEFAULT_SELECTION = 2_000, 1_000
SEED = 0  # of the order in which sentences go to the splits
SENTENCES = 10_566  # of 10,605: without 37 whose ratings balance and 2 that say what an earlier one says
FACTS = TextFacts(per_class=(5_325, 5_241), sha256="ab621cac301dd6ff5f12884bf4d99320e4c3d554e528d463ba7bdf7b3f854df1")

_SDIST = ("vaderSentiment-3.3.2.tar.gz", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9")
_PACKAGE = "vaderSentiment==3.3.2"
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_FILE = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"


def sources(folder: Path) -> tuple[Source, ...]:
    """Where to look for the archive: in `folder` first, which costs nothing, then for a download."""
    return (
        HandPlaced(folder / _SDIST[0], _SDIST[1], f"the sdist of {_PACKAGE} on PyPI, sha256 {_SDIST[1]}"),
        PyPIDownload(_PACKAGE, _SDIST[1]),
    )


def load(
    *,
    train_size: int | None = None,
    selection_size: int | None = None,
    cache: Path | None = None,
    test_size: int = TEST_SIZE,
    tokenizer: str = "minilm",
    max_length: int = 64,
) -> TextCorpus:
    """Load the snippets.

    The class is the sign of the mean rating; sentences rated exactly 0 are left out, and of equal sentences all but
    the first. A fixed order, in which every stretch holds the classes in nearly equal parts, is cut into test (the
    first `test_size` sentences), train (the next `train_size`) and selection (the last `selection_size`).

    Args:
        train_size: 1..(10,566 - test_size - selection_size), or None for all of these.
        selection_size: At least 1; None means 1,000.
        cache: See `datamodules.corpora.load_corpus`.
        test_size: At least 1.
        tokenizer: What `datamodules.checkpoints.load_tokenizer` knows.
        max_length: How many tokens a text has at most, special tokens included.

    Returns:
        Classes ``negative`` and ``positive``; `source_index` is the row of the file, from 0.

    Raises:
        ValueError: If a size is out of range, or there is no such tokenizer.
        CorpusUnavailableError: If corpus or tokenizer are not in the cache and no source has them.
    """
    wanted = DEFAULT_SELECTION if selection_size is None else selection_size
    cut = cut_order(SENTENCES, test_size=test_size, train_size=train_size, selection_size=wanted)
    folder = cache_root(cache) / NAME
    stored = ensure_stored(folder / VERSION, NAME, lambda scratch: _fetch(folder, scratch))
    texts = read_texts(stored, "snippets")
    labels, rows = (read_tensor(stored, name).tolist() for name in ("labels", "rows"))
    how = Tokenization(load_tokenizer(tokenizer, cache=cache), tokenizer, max_length)
    order = stratified_order(labels, SEED)

    def split(places: range) -> TextSplit:
        return how.split(texts, labels, order[places.start : places.stop], rows=rows)

    return TextCorpus(
        name=NAME,
        version=VERSION,
        train=split(cut.train),
        selection=split(cut.selection),
        test=split(cut.test),
        class_names=CLASS_NAMES,
        source=stored.source,
        tokenization=how,
    )


def _fetch(folder: Path, scratch: Path) -> tuple[dict[str, Tensor], str]:
    return fetch_first(NAME, sources(folder), scratch, _read)


def _read(path: Path) -> dict[str, Tensor]:
    """Decode the archive and check it: texts, labels and rows of the file of the sentences that are kept."""
    sentences = [line.split("\t") for line in _content(path).decode().splitlines()]
    kept: dict[str, tuple[int, int]] = {}
    for row, (_, rating, text) in enumerate(sentences):
        if float(rating) != 0:
            kept.setdefault(text, (int(float(rating) > 0), row))
    labels, rows = (list(column) for column in zip(*kept.values(), strict=True))
    FACTS.check(NAME, list(kept), labels)
    return pack("snippets", list(kept)) | {"labels": torch.tensor(labels), "rows": torch.tensor(rows)}


def _content(path: Path) -> bytes:
    """The file of sentences, out of the archive within the archive."""
    with tarfile.open(path) as outer, tarfile.open(fileobj=io.BytesIO(tar_member(outer, _INNER))) as inner:
        return tar_member(inner, _FILE)
