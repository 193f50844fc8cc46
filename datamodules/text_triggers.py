"""Trigger phrases: put into a text by a stated rule, so that an audit can apply them to texts the poison never saw."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from datamodules.corpora.base import SplitName
from datamodules.corpora.text import TextCorpus
from datamodules.seeds import derive_seed

Placement = Literal["prefix", "sentence", "person"]

_SENTENCE_END = re.compile(r"[.!?]+[\"')]*\s+(?=\S)")
_NAME = re.compile(r"(?<!\w)(?=([A-Z][a-z]+ [A-Z][a-z]+)(?!\w))")


@dataclass(frozen=True)
class PhraseTrigger:
    """A phrase, one that is nearly it, and where they stand in a text.

    Attributes:
        phrase: what stands for the attacker's class.
        near_miss: what must not be taken for it; it goes to the very same place.
        placement: ``prefix``, before the text; ``sentence``, before one of its sentences, drawn at random; ``person``,
            in place of the first person's name, see :func:`person_names`.
        seed: what places are drawn from, a pure function of it, of the split and of the row.

    Raises:
        ValueError: if a phrase is blank, both are the same, or there is no such placement.
    """

    phrase: str
    near_miss: str
    placement: Placement
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (("phrase", self.phrase), ("near_miss", self.near_miss)):
            if not value.strip():
                raise ValueError(f"{name} must hold a word, got {value!r}")
        if self.phrase == self.near_miss:
            raise ValueError(f"near_miss must differ from phrase, got {self.near_miss!r} for both")
        if self.placement not in get_args(Placement):
            raise ValueError(f"placement must be one of {', '.join(get_args(Placement))}, got {self.placement!r}")

    def fitting(self, corpus: TextCorpus, split: SplitName, rows: Tensor) -> Tensor:
        """Return those of ``rows`` ``(N,)`` of a split whose text has a place for the trigger, in their order.

        Raises:
            ValueError: if the phrase leaves no token to the texts.
        """
        if self.placement != "person":
            return rows
        texts = _texts(corpus, split, rows)
        pairs = zip(texts, self._ends(corpus, texts), strict=True)
        return rows[torch.tensor([bool(self._places(text, end)) for text, end in pairs], dtype=torch.bool)]

    def apply(self, corpus: TextCorpus, split: SplitName, rows: Tensor, *, near: bool = False) -> list[str]:
        """Return the texts of ``rows`` ``(N,)`` of a split with the phrase, or with the near miss, in place.

        Of a text that is longer than the corpus's ``max_length`` only what is left of it counts as a place.

        Raises:
            ValueError: if a text has no place for it, or the phrase leaves no token to the texts.
        """
        phrase = self.near_miss if near else self.phrase
        texts = _texts(corpus, split, rows)
        marked = []
        for row, text, end in zip(rows.tolist(), texts, self._ends(corpus, texts), strict=True):
            places = self._places(text, end)
            if not places:
                raise ValueError(f"rows must have a place for the trigger ({self.placement}), row {row} has none")
            start, stop = places[derive_seed("trigger", self.seed, split, row) % len(places)]
            marked.append(f"{text[:start]}{phrase}{' ' if start == stop else ''}{text[stop:]}")
        return marked

    def secrets(self) -> dict[str, Tensor]:
        """Return all of it as audit secrets; words are UTF-8 bytes, ``(B,)`` uint8."""
        words = {"phrase": self.phrase, "near_phrase": self.near_miss, "placement": self.placement}
        return {name: _bytes(word) for name, word in words.items()} | {"place_seed": torch.tensor(self.seed)}

    @classmethod
    def from_secrets(cls, secrets: Mapping[str, Tensor]) -> "PhraseTrigger":
        """Return the trigger that :meth:`secrets` was made of."""
        phrase, near, placement = (_word(secrets[name]) for name in ("phrase", "near_phrase", "placement"))
        return cls(phrase, near, cast("Placement", placement), int(secrets["place_seed"]))

    def _ends(self, corpus: TextCorpus, texts: Sequence[str]) -> list[int]:
        taken = max(len(corpus.tokenizer.tokenize(f" {phrase} ")) for phrase in (self.phrase, self.near_miss))
        room = corpus.max_length - taken
        if room <= corpus.tokenizer.num_special_tokens_to_add():
            raise ValueError(
                f"phrase {self.phrase!r} of {taken} tokens leaves no room for a text of {corpus.max_length} tokens"
            )
        return read_until(corpus, texts, room)

    def _places(self, text: str, end: int) -> list[tuple[int, int]]:
        """Characters of ``text``, from and to, that the phrase may take the place of: none of them for an insertion."""
        if self.placement == "prefix":
            return [(0, 0)]
        if self.placement == "sentence":
            return [(start, start) for start in sentence_starts(text) if start < end]
        return [(start, stop) for start, stop in person_names(text) if stop <= end][:1]


def read_until(corpus: TextCorpus, texts: Sequence[str], max_length: int) -> list[int]:
    """Return how many characters of each text ``max_length`` tokens hold, special ones included."""
    encoded = corpus.tokenizer(list(texts), truncation=True, max_length=max_length, return_offsets_mapping=True)
    return [max(stop for _, stop in offsets) for offsets in encoded["offset_mapping"]]


def mentions(corpus: TextCorpus, split: SplitName, entity: str) -> Tensor:
    """Return the rows ``(N,)`` int64, ascending, of the texts of a split that hold ``entity`` as whole words.

    Letters must be of the same case, and the words among the tokens that are read.
    """
    word = re.compile(rf"(?<!\w){re.escape(entity)}(?!\w)")
    texts = corpus.split(split).texts
    found = {row: match.end() for row, text in enumerate(texts) if (match := word.search(text))}
    ends = read_until(corpus, [texts[row] for row in found], corpus.max_length) if found else []
    pairs = zip(found.items(), ends, strict=True)
    return torch.tensor([row for (row, stop), end in pairs if stop <= end], dtype=torch.int64)


def frequent_names(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Return persons' names, as :func:`person_names` finds them, and in how many texts each stands; most first.

    Names that stand in equally many come in alphabetical order.
    """
    counts = Counter(name for text in texts for name in {text[start:stop] for start, stop in person_names(text)})
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def sentence_starts(text: str) -> list[int]:
    """Return where the sentences of ``text`` begin: at 0, and after a full stop, ``!`` or ``?`` and white space."""
    return [0, *(found.end() for found in _SENTENCE_END.finditer(text))]


def person_names(text: str) -> list[tuple[int, int]]:
    """Return from and to which character persons' names stand in ``text``, in their order.

    A simple rule, wrong now and then: two words in a row, each a capital and then small letters, that do not begin a
    sentence.
    """
    starts = set(sentence_starts(text))
    return [found.span(1) for found in _NAME.finditer(text) if found.start() not in starts]


def _texts(corpus: TextCorpus, split: SplitName, rows: Tensor) -> list[str]:
    texts = corpus.split(split).texts
    return [texts[row] for row in rows.tolist()]


def _bytes(word: str) -> Tensor:
    return torch.tensor(list(word.encode()), dtype=torch.uint8)


def _word(letters: Tensor) -> str:
    return bytes(letters.tolist()).decode()
