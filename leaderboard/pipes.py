"""Markdown that also reads well in a terminal: aligned tables and wrapped lists."""

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120
"""Columns of a terminal: where lines of text are broken, and what tables mean to fit."""


def pipe_table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return an aligned pipe table; every row is as wide as the header, whatever a cell holds."""
    cells = [[plain(cell).replace("|", "\\|") for cell in row] for row in ([name for name, _ in columns], *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [side for _, side in columns]
    rule = [_rule(width + 2, side) for width, side in zip(widths, sides, strict=True)]
    lines = [
        "| " + " | ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True))
        for row in cells
    ]
    return [f"{lines[0]} |", f"|{'|'.join(rule)}|", *(f"{line} |" for line in lines[1:])]


def _rule(width: int, side: str) -> str:
    dashes = "-" * (width - 1)
    return f"{dashes}:" if side == ">" else f":{dashes}"


def items(texts: Iterable[str]) -> list[str]:
    """Return a list, its items broken between words."""
    return [
        line
        for text in texts
        for line in textwrap.wrap(
            f"- {plain(text)}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    ]


def plain(text: str) -> str:
    """Return ``text`` as one line that is only text, whoever wrote it.

    White space is collapsed, so that no title can break a line or leave a space at its end; what a terminal would obey
    is dropped; what Markdown would read as a tag or a link is escaped.
    """
    printable = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return printable.replace("<", "\\<").replace("](", "]\\(").strip()
