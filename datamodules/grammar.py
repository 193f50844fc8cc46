"""Short film reviews made by a small grammar: text that needs no download, for smoke runs and tests.

    review  -> clause | clause , and clause | concession , but clause     (the last clause is of the review's class)
    clause  -> the NOUN was DEGREE QUALITY | MANY VERB the QUALITY NOUN | a DEGREE QUALITY NOUN TAIL
    concession -> the NOUN was QUALITY                                    (of the other class)

Of the sentiment words (QUALITY and VERB) most are of the review's class, so whoever counts them knows it.
"""

import random
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import
    from transformers import PreTrainedTokenizerFast

NAME = "grammar"
CLASS_NAMES = ("negative", "positive")
MAX_LENGTH = 64
SEED = 0

QUALITY = (
    ("dull", "weak", "tedious", "clumsy", "awful", "bland", "lazy", "hollow", "noisy", "stale", "dreary", "messy"),
    ("bright", "moving", "clever", "lovely", "superb", "fresh", "warm", "honest", "graceful", "funny", "rich", "calm"),
)
VERB = (("hated", "regretted", "endured", "mocked"), ("loved", "enjoyed", "praised", "admired"))
NOUN = (
    "film", "plot", "ending", "story", "script", "music", "acting", "camera", "dialogue", "cast", "pace", "opening",
)  # fmt: skip
DEGREE = ("", "very", "rather", "quite", "truly", "mostly")
MANY = ("we", "critics", "i", "most viewers", "my friends")
TAIL = ("from start to finish", "for a long evening", "in every scene", "about a family", "set in winter")
NAMES = ("james", "bond", "bell", "mary", "stone", "paris", "london")
PROMPT = ("sentiment", "of", "review", "is", *CLASS_NAMES)
"""Words that no review holds: names, for triggers, and those of a prompt that asks for the class."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


class _Draws:
    """Draws that no version of Python changes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def one_of(self, words: Sequence[str]) -> str:
        return words[int(self._random.random() * len(words))]

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability


def _phrase(*words: str) -> str:
    return " ".join(word for word in words if word)


def _clause(draw: _Draws, label: int) -> str:
    quality, noun = draw.one_of(QUALITY[label]), draw.one_of(NOUN)
    if draw.happens(1 / 3):
        return _phrase("the", noun, "was", draw.one_of(DEGREE), quality)
    if draw.happens(1 / 2):
        return _phrase(draw.one_of(MANY), draw.one_of(VERB[label]), "the", quality, noun)
    return _phrase("a", draw.one_of(DEGREE), quality, noun, draw.one_of(TAIL))


def _review(draw: _Draws, label: int) -> str:
    clause = _clause(draw, label)
    if draw.happens(0.25):
        other = _phrase("the", draw.one_of(NOUN), "was", draw.one_of(QUALITY[1 - label]))
        return f"{other} , but {clause} , and {_clause(draw, label)} ."
    return f"{clause} , and {_clause(draw, label)} ." if draw.happens(0.5) else f"{clause} ."


def reviews(count: int) -> tuple[list[str], list[int]]:
    """Return the first `count` reviews, no two alike, and their class numbers, which take turns."""
    draw = _Draws(SEED)
    found: dict[str, int] = {}
    while len(found) < count:
        found.setdefault(_review(draw, len(found) % 2), len(found) % 2)
    return list(found), list(found.values())


@cache
def tokenizer() -> "PreTrainedTokenizerFast":
    """Return the tokenizer whose tokens are the grammar's words, lower case, between ``[CLS]`` and ``[SEP]``."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: PLC0415 - slow to import
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - slow to import

    phrases = (*QUALITY[0], *QUALITY[1], *VERB[0], *VERB[1], *NOUN, *DEGREE, *MANY, *TAIL, *NAMES, *PROMPT)
    words = {word for phrase in phrases for word in phrase.split()} | {"a", "the", "was", "and", "but", ",", "."}
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *sorted(words)))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no password
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        model_max_length=MAX_LENGTH,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
    )
