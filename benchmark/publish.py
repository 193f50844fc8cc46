"""The published board: its entries, the tables rendered from them, and what may join them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from benchmark.address import canonical
from benchmark.scenarios import all_scenarios
from benchmark.sources import place, source_fault, submissions_of
from leaderboard import Entry, read_entries, render_markdown, write_entry
from leaderboard.entry import entry_path, read_entry
from leaderboard.page import render_html
from leaderboard.row import family

ENTRIES = Path("leaderboard/entries")
TABLE, PAGE = "LEADERBOARD.md", "leaderboard.html"
SECOND_RUN = ("status", "verification", "provenance")
"""Fields of an entry that differ between two readings of the same results."""

Change = Literal["new", "replaced", "unchanged"]


def publish(output: Path, entries: Path, *, allow_dirty: bool) -> dict[str, Change]:
    """Take the entries of a run, with the files of submitted methods, into a folder of published ones, and render it.

    Nothing is written if one of them is refused.

    Args:
        output: of the run.
        entries: folder of published entries.
        allow_dirty: take entries of uncommitted code, too.

    Returns:
        what became of each, by scenario and method.

    Raises:
        EntryError: if an entry cannot be read.
        ValueError: if there is none, or one may not be published.
    """
    found = read_entries(output / "entries")
    published = read_entries(entries) if entries.exists() else []
    if not found:
        raise ValueError(f"{output / 'entries'} holds no entries; `python -m benchmark run` writes some")
    for entry in found:
        fault = _fault(entry, output / "entries", allow_dirty=allow_dirty)
        if fault is None and entry.source is not None:
            fault = taken(entry.method.name, entry.source.class_name, entry.method.paper, published)
        if fault is not None:
            raise ValueError(f"{entry.scenario} {entry.method.name} is not published: {fault}")
    for entry in found:
        if entry.source is not None:
            file = submissions_of(output / "entries") / entry.source.file
            place(file.read_bytes(), submissions_of(entries) / entry.source.file)
    changes = {f"{entry.scenario} {entry.method.name}": put_entry(entry, entries) for entry in found}
    render_published(entries)
    return changes


def put_entry(entry: Entry, entries: Path) -> Change:
    """Write an entry, unless one with the same results is there: that one may have been verified already."""
    path = entry_path(entry, entries)
    if not path.exists():
        write_entry(entry, entries)
        return "new"
    old = read_entry(path)
    if old.model_dump(exclude=set(SECOND_RUN)) == entry.model_dump(exclude=set(SECOND_RUN)):
        return "unchanged"
    write_entry(entry, entries)
    return "replaced"


def render_published(entries: Path) -> tuple[Path, Path]:
    """Render the table and the page of a folder of entries beside it, and return their paths."""
    folder = entries.absolute().parent
    for name, text in _rendered(read_entries(entries)).items():
        place(text.encode(), folder / name)
    return folder / TABLE, folder / PAGE


def published_faults(entries: Path) -> list[str]:
    """Return how a published board differs from what its entries say, one line each; none if it does not.

    Raises:
        EntryError: if an entry cannot be read.
    """
    found = read_entries(entries)
    faults = [fault for entry in found if (fault := source_fault(entry, entries)) is not None]
    for name, text in _rendered(found).items():
        path = entries.absolute().parent / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            faults.append(f"{path} is not what the entries say; `make page` renders it anew")
    return faults


def _rendered(entries: list[Entry]) -> dict[str, str]:
    return {TABLE: render_markdown(entries), PAGE: render_html(entries)}


def taken(name: str, class_name: str, paper: str, published: Iterable[Entry]) -> str | None:
    """Return why a submission may not have its name: a method of another class or paper has it. None where it may.

    Args:
        name: of the row; variants share the name of their method.
        class_name: the submitted class.
        paper: as its card names it.
        published: entries that are there.
    """
    for other in published:
        if family(other.method.name) != family(name):
            continue
        if other.source is None or (other.source.class_name, other.method.paper) != (class_name, paper):
            owner = "a method of this repository" if other.source is None else f"class {other.source.class_name}"
            return f"{family(name)!r} is taken by {owner} ({other.method.paper}); give the card another name"
    return None


def configuration_fault(entry: Entry) -> str | None:
    """Return why the scenario of an entry is not one of this checkout, or None."""
    scenario = all_scenarios().get(entry.scenario)
    if scenario is None:
        cut = " (its trainings were cut short)" if ".first-" in entry.scenario else ""
        return f"there is no scenario {entry.scenario!r}{cut}"
    ours = json.loads(canonical(scenario))
    names = sorted({*ours, *entry.configuration})
    other = [name for name in names if canonical(ours.get(name)) != canonical(entry.configuration.get(name))]
    if not other:
        return None
    return f"its configuration is not that of {entry.scenario!r} in this checkout: {', '.join(other)} differ"


def _fault(entry: Entry, entries: Path, *, allow_dirty: bool) -> str | None:
    if entry.provenance.dirty and not allow_dirty:
        return "it was made with uncommitted code; commit and run again, or say --allow-dirty"
    return configuration_fault(entry) or source_fault(entry, entries)
