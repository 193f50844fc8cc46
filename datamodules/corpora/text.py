"""Corpora of texts: each split keeps its texts and, beside them, their tokens."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from datamodules.corpora.base import Corpus, SplitName
from datamodules.corpora.packed import read_tensor
from datamodules.corpora.splits import check_size
from datamodules.corpora.store import ensure_stored
from datamodules.text_store import TextStore, Tokens

if TYPE_CHECKING:  # slow to import
    from transformers import PreTrainedTokenizerFast

_CHUNK = 1_000  # texts whose tokens are made at once


@dataclass(frozen=True, eq=False)
class TextSplit:
    """Some texts of a corpus, in memory.

    Attributes:
        texts: As people read them.
        target: Class numbers, ``(N,)`` int64.
        source_index: Row of each text in the corpus's own train or test file, ``(N,)`` int64.
        tokens: Of the texts, with the tokenizer's special tokens, none longer than the corpus's ``max_length``.

    Raises:
        ValueError: If the four differ in length.
    """

    texts: tuple[str, ...]
    target: Tensor
    source_index: Tensor
    tokens: Tokens

    def __post_init__(self) -> None:
        counts = {"target": len(self.target), "source_index": len(self.source_index), "tokens": len(self.tokens)}
        for name, count in counts.items():
            if count != len(self.texts):
                raise ValueError(f"TextSplit({name}=...): {count} rows, but there are {len(self.texts)} texts")

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Tokenization:
    """How texts become tokens.

    Attributes:
        tokenizer: A fast tokenizer with a padding token.
        name: What `datamodules.checkpoints.load_tokenizer` knows it by, or the corpus's own word for it.
        max_length: How many tokens a text has at most, special tokens included.

    Raises:
        ValueError: If `max_length` leaves no room for a token of the text.
    """

    tokenizer: "PreTrainedTokenizerFast"
    name: str
    max_length: int

    def __post_init__(self) -> None:
        least = 1 + self.tokenizer.num_special_tokens_to_add()
        check_size("max_length", self.max_length, least, self.tokenizer.model_max_length, f" for {self.name}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the tokenizer's definition."""
        backend = self.tokenizer.backend_tokenizer
        definition = json.loads(backend.to_str())
        for setting in ("truncation", "padding"):  # calls set them
            definition.pop(setting, None)
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """Tokens of texts, truncated.

        Raises:
            ValueError: If a text has no token.
        """
        parts: list[Tensor] = []
        for start in range(0, len(texts), _CHUNK):
            encoded = self.tokenizer(
                list(texts[start : start + _CHUNK]),
                truncation=True,
                max_length=self.max_length,
                return_attention_mask=False,
                return_token_type_ids=False,
            )
            parts += [torch.tensor(ids, dtype=torch.int32) for ids in encoded["input_ids"]]
        return Tokens.of(parts)

    def split(
        self,
        texts: Sequence[str],
        labels: Sequence[int],
        places: Sequence[int],
        *,
        rows: Sequence[int] | None = None,
        tokens: Tokens | None = None,
    ) -> TextSplit:
        """Make a split of some of a corpus's texts.

        Args:
            texts: All of them.
            labels: Their class numbers.
            places: Which of them, in the order of the split.
            rows: Their rows in the corpus's own file; None where these are their places in `texts`.
            tokens: Theirs, where they are known already.
        """
        chosen = tuple(texts[place] for place in places)
        index = torch.tensor(places, dtype=torch.int64)
        return TextSplit(
            texts=chosen,
            target=torch.tensor([labels[place] for place in places], dtype=torch.int64),
            source_index=index if rows is None else torch.tensor(rows, dtype=torch.int64)[index],
            tokens=self.tokens(chosen) if tokens is None else tokens.select(index),
        )


def stored_tokens(folder: Path, name: str, how: Tokenization, texts: Sequence[str]) -> Tokens:
    """Return the tokens of all texts of a corpus's file, which the cache keeps once they have been made.

    Args:
        folder: Of the corpus and its version, in the cache.
        name: Of the file.
        how: What the name in the cache tells: the tokenizer, its digest and the length.
        texts: Always the same ones under this name.
    """
    path = f"{name}-{how.name.replace('/', '--')}-{how.digest[:12]}-{how.max_length}"

    def build(_: Path) -> tuple[dict[str, Tensor], str]:
        tokens = how.tokens(texts)
        return {"ids": tokens.ids, "offsets": tokens.offsets}, f"{name} through the tokenizer {how.name}"

    stored = ensure_stored(folder, path, build)
    return Tokens(read_tensor(stored, "ids"), read_tensor(stored, "offsets"))


@dataclass(frozen=True, eq=False)
class TextCorpus(Corpus):
    """A corpus of texts.

    Attributes:
        tokenization: How its texts became tokens.
    """

    modality = "text"

    train: TextSplit
    selection: TextSplit
    test: TextSplit
    tokenization: Tokenization

    @property
    def _texts(self) -> tuple[tuple[SplitName, TextSplit], ...]:
        return (("train", self.train), ("selection", self.selection), ("test", self.test))

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer."""
        return self.tokenization.tokenizer

    @property
    def max_length(self) -> int:
        """How many tokens a text has at most."""
        return self.tokenization.max_length

    @property
    def pad(self) -> int:
        """The token that fills up shorter texts of a batch."""
        return pad_token(self.tokenizer)

    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """What a network eats for texts that need not be the corpus's own.

        Returns:
            ``input_ids`` and ``attention_mask``, ``(N, L)`` int64, padded on the right to the longest.

        Raises:
            ValueError: If a text has no token.
        """
        tokens = self.tokenization.tokens(texts)
        return tokens.padded(torch.arange(len(tokens)), self.pad)

    def decode(self, ids: Tensor | Sequence[Sequence[int]]) -> list[str]:
        """Texts of tokens, ``(N, L)``, without special tokens."""
        rows = ids.tolist() if isinstance(ids, Tensor) else [list(row) for row in ids]
        return [str(self.tokenizer.decode(row, skip_special_tokens=True)) for row in rows]

    def split(self, name: SplitName) -> TextSplit:
        """A split by its name."""
        return dict(self._texts)[name]

    def store(self, split: SplitName) -> TextStore:
        """The clean texts of a split."""
        return TextStore.clean(self.split(split).tokens, self.pad)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over texts, tokens, labels, splits, class names and tokenizer, but not the source."""
        how = self.tokenization
        digest = hashlib.sha256(
            json.dumps([self.name, self.version, self.class_names, how.name, how.digest, how.max_length]).encode()
        )
        for name, split in self._texts:
            digest.update(json.dumps([name, split.texts]).encode())
            for tensor in (split.tokens.ids, split.tokens.offsets, split.target, split.source_index):
                digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


def pad_token(tokenizer: "PreTrainedTokenizerFast") -> int:
    """The id of a tokenizer's padding token.

    Raises:
        ValueError: If it has none.
    """
    if tokenizer.pad_token_id is None:
        raise ValueError("the tokenizer has no padding token")
    return int(tokenizer.pad_token_id)
