"""What a report is made of: sections of text, figures and tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Data as it goes to a CSV file, and to the page where a section shows it.

    Attributes:
        name: file name without its ending.
        columns: one name each.
        rows: as long as ``columns``, each.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Drawing:
    """A figure with what a reader needs to judge it.

    Attributes:
        name: file name without its ending.
        figure: what is drawn.
        caption: what it shows, its seeds, intervals and null bands, and the command that made it.
        alternative: the same in one sentence for who cannot see it.
        data: every number in it.
    """

    name: str
    figure: Figure
    caption: str
    alternative: str
    data: Table


@dataclass(frozen=True)
class Gap:
    """Something that is missing, and the command that makes it; no command where none would."""

    what: str
    command: str | None = None


@dataclass(frozen=True)
class Section:
    """One part of the report.

    Attributes:
        letter: its place.
        title: its heading.
        text: paragraphs.
        drawings: its figures.
        tables: shown below them.
        gaps: what is missing.
    """

    letter: str
    title: str
    text: Sequence[str] = ()
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    gaps: Sequence[Gap] = field(default=())
