"""Tables as comma-separated values (RFC 4180, UTF-8)."""

import csv
import io

from leaderboard.export.table import Table, Value

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell instead of showing it."""


def to_csv(table: Table) -> str:
    """Return ``table`` with a header; None is an empty cell, flags are ``true`` and ``false``.

    Numbers are written so that reading them gives the same bits. A text that a spreadsheet would compute starts with an
    apostrophe: titles come from whoever submitted a method.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([name for name, _ in table.columns])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return file.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return repr(value)
