"""Try one source after the other until one gives data that reads and checks."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from datamodules.corpora.sources import HandPlaced, PlacedFolder, Source

_log = logging.getLogger(__name__)

T = TypeVar("T")


class CorpusUnavailableError(RuntimeError):
    """No source has the corpus or checkpoint; the message says what failed at each, and what to place by hand."""


def fetch_first(
    corpus: str, sources: Sequence[Source], into: Path, read: Callable[[Path], T], *, kind: str = "corpus"
) -> tuple[T, str]:
    """Read a corpus, or whatever else `kind` says, from the first source that works.

    A source works if it delivers a file and `read` accepts that file: a damaged archive is as good as none.

    Args:
        corpus: Its name, for messages.
        sources: In the order in which to try them.
        into: An existing folder for downloads; whoever owns it deletes it.
        read: Decodes and checks what a source delivered; refuses by raising.
        kind: What it is, for messages.

    Returns:
        What `read` returned, and the name of the source.

    Raises:
        CorpusUnavailableError: If no source works.
    """
    failures = []
    _log.info("%s: fetching it; downloads go to %s", corpus, into)
    for number, source in enumerate(sources, start=1):
        folder = into / f"source-{number}"
        folder.mkdir()
        _log.info("%s: trying %s", corpus, source.name)
        try:
            value = read(source.fetch(folder))
        except Exception as error:  # noqa: BLE001 - whatever an odd archive provokes, the next has its turn
            reason = " ".join(str(error).split()) or type(error).__name__
            _log.info("%s: %s failed: %s", corpus, source.name, reason)
            _log.debug("%s: %s failed", corpus, source.name, exc_info=True)
            failures.append(f"  {number}. {source.name}: {reason}")
        else:
            _log.info("%s: read from %s", corpus, source.name)
            return value, source.name
    placed = [source for source in sources if isinstance(source, HandPlaced | PlacedFolder)]
    by_hand = [f"  {source.path}  ({source.origin})" for source in placed]
    lines = [f"{kind} {corpus!r} could not be had from any source:", *failures]
    if by_hand:
        lines += ["Place one of these files by hand and try again:", *by_hand]
    raise CorpusUnavailableError("\n".join(lines))
