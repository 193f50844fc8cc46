"""Corpora, one file each.

A module of this folder that has a function ``load`` is a corpus, under the file's name. ``load`` takes the
keywords of `load_corpus`, and options of its own as further keywords with defaults, and returns a `Corpus`. There is
no list to edit.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache as remember
from pathlib import Path
from typing import Protocol, cast

from datamodules.corpora.base import Corpus, Split
from datamodules.corpora.chain import CorpusUnavailableError
from datamodules.plugins import UnknownNameError

__all__ = ["Corpus", "CorpusUnavailableError", "Split", "corpus_names", "load_corpus"]


SIZES_AND_CACHE = ("train_size", "selection_size", "cache")


class _Load(Protocol):
    def __call__(
        self, *, train_size: int | None, selection_size: int | None, cache: Path | None, **options: object
    ) -> Corpus: ...


@remember
def _loaders() -> dict[str, _Load]:
    found = sorted(name for _, name, _ in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in found}
    return {name: cast("_Load", module.load) for name, module in modules.items() if hasattr(module, "load")}


def corpus_names() -> tuple[str, ...]:
    """Names that `load_corpus` knows, in alphabetical order."""
    return tuple(_loaders())


def load_corpus(
    name: str,
    *,
    train_size: int | None = None,
    selection_size: int | None = None,
    cache: Path | None = None,
    options: Mapping[str, object] | None = None,
) -> Corpus:
    """Load a corpus into memory, fetching it first where the cache does not hold it.

    Args:
        name: One of `corpus_names`.
        train_size: How many training samples; None takes all that are left for training.
        selection_size: How many samples for choosing hyper-parameters; None takes the corpus's default. Each
            corpus's own ``load`` says from where it cuts them.
        cache: Folder that holds fetched corpora; None means ``$UNPOISON_CACHE``, or ``~/.cache/unpoison``.
        options: Further keywords of the corpus's own ``load``, such as ``tokenizer`` and ``max_length`` of texts.

    Returns:
        The corpus, its splits disjoint.

    Raises:
        UnknownNameError: If no corpus has this name, or the corpus no such option; a ValueError that says which there
            are.
        ValueError: If a size or an option is out of range.
        CorpusUnavailableError: If the corpus is not in the cache and no source has it.
    """
    loaders = _loaders()
    if name not in loaders:
        raise UnknownNameError("corpus", name, loaders)
    load, given = loaders[name], dict(options or {})
    known = [option for option in inspect.signature(load).parameters if option not in SIZES_AND_CACHE]
    for option in given:
        if option not in known:
            raise UnknownNameError(f"option of corpus {name!r}:", option, known or ["none"])
    return load(train_size=train_size, selection_size=selection_size, cache=cache, **given)
