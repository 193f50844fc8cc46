import logging
from pathlib import Path
from typing import NamedTuple

import pytest

from datamodules.corpora import CorpusUnavailableError
from datamodules.corpora.chain import fetch_first
from datamodules.corpora.sources import HandPlaced, SourceError


class _Gives(NamedTuple):
    name: str
    content: str

    def fetch(self, into: Path) -> Path:
        (into / "file").write_text(self.content)
        return into / "file"


class _Fails(NamedTuple):
    name: str
    error: Exception

    def fetch(self, into: Path) -> Path:
        raise self.error


def _read(path: Path) -> str:
    text = path.read_text()
    if text == "damaged":
        raise ValueError("the content\nis damaged")
    return text


def test_the_first_source_that_works_is_used_and_no_further_one(tmp_path: Path) -> None:
    chain = [_Fails("first", SourceError("no")), _Gives("second", "2"), _Fails("third", KeyboardInterrupt())]
    assert fetch_first("toy", chain, tmp_path, _read) == ("2", "second")


def test_a_source_whose_content_does_not_check_is_passed_over(tmp_path: Path) -> None:
    chain = [_Gives("first", "damaged"), _Gives("second", "2")]
    assert fetch_first("toy", chain, tmp_path, _read) == ("2", "second")


def test_what_is_tried_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fetch_first("toy", [_Fails("first", SourceError("no")), _Gives("second", "2")], tmp_path, _read)
    assert caplog.messages == [
        f"toy: fetching it; downloads go to {tmp_path}",
        "toy: trying first",
        "toy: first failed: no",
        "toy: trying second",
        "toy: read from second",
    ]


def test_when_all_fail_the_error_lists_each_and_what_to_place_by_hand(tmp_path: Path) -> None:
    placed = tmp_path / "toy.tgz"
    chain = [
        HandPlaced(placed, "0" * 64, "from the shelf"),
        _Fails("the net", OSError(-2, "unreachable")),
        _Gives("the shop", "damaged"),
        _Fails("a bug", RuntimeError()),
    ]
    with pytest.raises(CorpusUnavailableError) as caught:
        fetch_first("toy", chain, tmp_path, _read)
    assert str(caught.value).splitlines() == [
        "corpus 'toy' could not be had from any source:",
        f"  1. hand-placed toy.tgz: no such file: {placed}",
        "  2. the net: [Errno -2] unreachable",
        "  3. the shop: the content is damaged",
        "  4. a bug: RuntimeError",
        "Place one of these files by hand and try again:",
        f"  {placed}  (from the shelf)",
    ]


def test_an_interrupt_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fetch_first("toy", [_Fails("first", KeyboardInterrupt()), _Gives("second", "2")], tmp_path, _read)
