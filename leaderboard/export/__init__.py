"""Boards in formats for other tools: CSV, Parquet, LaTeX, BibTeX, Markdown."""

from collections.abc import Iterable

from leaderboard.board import build_boards
from leaderboard.entry import Entry
from leaderboard.export.bibtex import render_bibtex
from leaderboard.export.delimited import to_csv
from leaderboard.export.latex import render_latex
from leaderboard.export.parquet import MissingLibraryError, to_parquet
from leaderboard.export.table import Table, board_table, seed_table
from leaderboard.markdown import render_markdown

__all__ = [
    "FORMATS",
    "MissingLibraryError",
    "Table",
    "board_table",
    "export_entries",
    "render_bibtex",
    "render_latex",
    "seed_table",
    "to_csv",
    "to_parquet",
]

TABULAR = ("csv", "parquet")

FORMATS = (*TABULAR, "latex", "bibtex", "markdown")
"""Formats of :func:`export_entries`."""


def export_entries(
    entries: Iterable[Entry], form: str, *, per_seed: bool = False, context: Iterable[Entry] = ()
) -> bytes:
    """Return the boards of ``entries`` as the bytes of one file.

    Args:
        entries: what is shown.
        form: one of :data:`FORMATS`.
        per_seed: one row for each seed instead of one for each method; for CSV and Parquet only.
        context: further entries, in which the controls of scenarios are looked for, too.

    Raises:
        ValueError: if ``form`` is unknown, has no rows per seed, or two entries have the same scenario and method.
        MissingLibraryError: if ``form`` needs a library that is not installed.
    """
    if form not in FORMATS:
        raise ValueError(f"format {form!r} must be {' or '.join(FORMATS)}")
    if per_seed and form not in TABULAR:
        raise ValueError(f"per_seed needs format {' or '.join(TABULAR)}, got {form!r}")
    given, surroundings = list(entries), list(context)
    if form == "markdown":
        return render_markdown(given, surroundings).encode()
    boards = build_boards(given, surroundings)
    if form == "latex":
        return render_latex(boards).encode()
    if form == "bibtex":
        return render_bibtex(given).encode()
    table = seed_table(boards, given) if per_seed else board_table(boards, given)
    return to_parquet(table) if form == "parquet" else to_csv(table).encode()
