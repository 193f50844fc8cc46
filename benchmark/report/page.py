"""The page."""

from collections.abc import Mapping, Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchmark.report.claims import Judged
from benchmark.report.section import Cell, Section


def render_page(
    sections: Sequence[Section],
    claims: Sequence[Judged],
    facts: Sequence[tuple[str, str]],
    pictures: Mapping[str, str],
) -> str:
    """Return the report as one HTML page without scripts that needs neither a network nor another file.

    Args:
        sections: in order.
        claims: with their verdicts.
        facts: pairs of words and values about the report itself.
        pictures: the SVG element of every drawing, by name.
    """
    environment = Environment(
        loader=PackageLoader("benchmark.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell_text
    style = (resources.files("benchmark.report") / "assets" / "style.css").read_text(encoding="utf-8")
    counts = dict.fromkeys(("reproduced", "not reproduced", "not testable here"), 0)
    for judged in claims:
        counts[judged.finding.verdict] += 1
    return environment.get_template("page.html.j2").render(
        style=Markup(style),  # noqa: S704 - our own file
        sections=sections,
        pictures={name: Markup(picture) for name, picture in pictures.items()},  # noqa: S704 - our own drawings
        claims=claims,
        counts=counts,
        facts=facts,
    )


def cell_text(cell: Cell) -> str:
    """Return a cell of a table as text."""
    if cell is None:
        return "-"
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)
