"""Putting the page together."""

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leaderboard.board import build_boards
from leaderboard.entry import Entry
from leaderboard.index import index_boards
from leaderboard.page.data import embedded
from leaderboard.page.names import row_id
from leaderboard.page.overview import overviews
from leaderboard.page.view import board_views, key_items

SCRIPTS = ("details.js", "plots.js", "page.js")
FILTERS = ("suite", "modality", "attack", "scenario")


def render_html(entries: Iterable[Entry], context: Iterable[Entry] = ()) -> str:
    """Return the whole leaderboard as one HTML page that needs neither a network nor another file.

    Whatever an entry says is printed as text. The page's own content security policy allows only the style and the
    scripts that are written into it, so that nothing else could run even if something slipped through.

    Args:
        entries: what the page shows; the result does not depend on their order.
        context: further entries, in which the controls of scenarios are looked for, too.

    Raises:
        ValueError: if two entries have the same scenario and method.
    """
    entries = sorted(entries, key=lambda entry: (entry.scenario, entry.method.name))
    boards = build_boards(entries, context)
    methods: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        methods.setdefault(entry.scenario, {})[entry.method.name] = entry
    style, early = _source("style.css"), _source("theme.js")
    script = '(() => {\n"use strict";\n' + "\n".join(map(_source, SCRIPTS)) + "})();\n"
    template = _environment().get_template("page.html.j2")
    return template.render(
        policy=(
            f"default-src 'none'; script-src {_hash(early)} {_hash(script)}; style-src {_hash(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        style=_trusted(style),
        early=_trusted(early),
        script=_trusted(script),
        data=_trusted(embedded(boards, entries)),
        boards=board_views(boards, methods),
        overviews=overviews(boards),
        index=list(zip(boards, index_boards(boards), strict=True)),
        key=key_items(),
        filters={name: sorted({str(getattr(entry, name)) for entry in entries}) for name in FILTERS},
        budgets=sorted({board.budget for board in boards}),
        counts={"entries": len(entries), "boards": len(boards), "verified": _verified(entries)},
        row_id=row_id,
    )


def _trusted(text: str) -> Markup:
    """Mark our own files, and what :func:`embedded` escaped: nothing else may come here."""
    return Markup(text)  # noqa: S704


def _verified(entries: Iterable[Entry]) -> int:
    return sum(entry.status == "verified" for entry in entries)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("leaderboard.page", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["halves"] = _halves
    return environment


def _halves(cell: str) -> tuple[str, str]:
    """Split the text of a cell before the brackets that hold its range."""
    place = min((cell.find(bracket) for bracket in ("(", "[") if bracket in cell), default=len(cell))
    return cell[:place].rstrip(), cell[place:]


def _source(name: str) -> str:
    return (resources.files("leaderboard.page") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
