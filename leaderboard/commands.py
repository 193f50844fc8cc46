"""What the commands do."""

import io
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from leaderboard.complaints import did_you_mean
from leaderboard.difference import compare, render_difference
from leaderboard.entry import Entry, EntryError, read_entries, read_entry
from leaderboard.export import FORMATS, export_entries
from leaderboard.markdown import render_markdown
from leaderboard.options import FOLDERS
from leaderboard.selection import Selection, select
from leaderboard.text import budget_text


class UsageError(ValueError):
    """A mistake of the user; the message is one line."""


def run_command(name: str, options: Namespace) -> int:
    """Run the command ``name`` and return the exit status.

    Raises:
        UsageError: after a mistake of the user.
        EntryError: if a file is no valid entry.
        SelectionError: if the filters leave nothing.
    """
    if name == "validate":
        return _validate(options.files)
    if name == "diff":
        return _diff(options)
    entries = read_entries(_newest_entries()) if options.entries is None else _read("--entries", options.entries)
    chosen = select(entries, _selection(options))
    if name == "list":
        say("".join(f"{_summary(entry)}\n" for entry in chosen))
    elif name == "export":
        _export(chosen, entries, options)
    elif options.html:
        from leaderboard.page import render_html  # noqa: PLC0415 - slow to load

        _put(render_html(chosen, context=entries).encode(), options.output)
    else:
        _put(render_markdown(chosen, context=entries).encode(), options.output)
    return 0


def say(text: str) -> None:
    """Print ``text``, whatever the terminal can show."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a character shows a question mark
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(error: Exception) -> int:
    """Print ``error`` as one line and return the exit status of a mistake."""
    sys.stderr.write(f"leaderboard: error: {error}\n")
    return 2


def _selection(options: Namespace) -> Selection:
    return Selection(
        suite=options.suite,
        modality=options.modality,
        attack=options.attack,
        scenario=options.scenario,
        budget=None if options.budget is None else _number("--budget", options.budget),
        verified=options.verified,
    )


def _export(chosen: Sequence[Entry], entries: Sequence[Entry], options: Namespace) -> None:
    form = options.format
    if form not in FORMATS:
        raise UsageError(f"--format {form!r} must be {' or '.join(FORMATS)}{did_you_mean(form, FORMATS)}")
    if options.per_seed and form not in {"csv", "parquet"}:
        raise UsageError(f"--per-seed needs --format csv or parquet, got {form!r}")
    if form == "parquet" and options.output == "-":
        raise UsageError("--format parquet needs --output FILE: it is no text to print")
    _put(export_entries(chosen, form, per_seed=options.per_seed, context=entries), options.output)


def _diff(options: Namespace) -> int:
    tolerance = _number("--tolerance", options.tolerance)
    before, after = _read("A", options.A), _read("B", options.B)
    difference = compare(before, after, tolerance)
    say(render_difference(difference, options.A, options.B))
    return 0 if difference.equal else 1


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise UsageError(f"{name} {text!r} must be a number of at least 0, such as 0.1")
    return value


def _read(name: str, folder: str) -> list[Entry]:
    chosen = Path(folder)
    if not chosen.is_dir():
        beside = [path.name for path in chosen.parent.iterdir() if path.is_dir()] if chosen.parent.is_dir() else []
        hint = did_you_mean(chosen.name, beside)
        raise UsageError(f"{name} {folder!r} must be an existing folder{hint}")
    entries = read_entries(chosen)
    if not entries:
        raise UsageError(f"{name} {folder!r} must hold entries (<scenario>/<method>.json), and holds none")
    return entries


def _newest_entries() -> Path:
    for pattern in FOLDERS:
        found = {folder: files for folder in Path().glob(pattern) if (files := list(folder.rglob("*.json")))}
        if found:
            return max(found, key=lambda folder: (max(file.stat().st_mtime for file in found[folder]), folder.parts))
    looked = f"{', '.join(FOLDERS[:-1])} or {FOLDERS[-1]}"
    raise UsageError(f"no entries in {looked}: run `make bench` first, or name a folder with --entries")


def _validate(files: Sequence[str]) -> int:
    status = 0
    for file in files:
        try:
            say(f"{file}: valid: {_summary(read_entry(file))}\n")
        except EntryError as error:
            status = complain(error)
    return status


def _summary(entry: Entry) -> str:
    budgets = ", ".join(budget_text(result.budget) for result in entry.results)
    seeds = max(len(result.seeds) for result in entry.results)
    return f"{entry.scenario} {entry.method.name} {entry.modality} {entry.status}, budgets {budgets}, seeds {seeds}"


def _put(content: bytes, output: str) -> None:
    if output == "-":
        say(content.decode())
        return
    path = Path(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"--output {output!r} cannot be written: {error.strerror}") from error
