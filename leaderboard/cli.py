"""Command line: ``python -m leaderboard render | list | validate``."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from leaderboard.complaints import did_you_mean
from leaderboard.entry import Entry, EntryError, read_entries, read_entry
from leaderboard.markdown import render_markdown
from leaderboard.text import budget_text

FOLDERS = ("output/mini/entries", "output/*/entries", "leaderboard/entries")
"""Where entries are looked for if no folder is given: the default suite, the suite run last, what is published."""

OPTIONS = {
    "--entries": ("FOLDER", f"folder of entries; without it the first (and newest) of {', '.join(FOLDERS)}"),
    "--output": ("FILE", "file to write; - prints"),
}

COMMANDS = {
    "render": ("print all entries as Markdown tables", ["--entries", "--output"]),
    "list": ("print one line per entry", ["--entries"]),
    "validate": ("check files of entries, one line each", []),
}


class UsageError(ValueError):
    """A mistake of the user; the message is one line."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 0, or 2 after a mistake of the user."""
    try:
        return _run(list(arguments))
    except (UsageError, EntryError) as error:
        return _complain(error)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    parser = _parser()
    given = _parse(parser, arguments)
    if given.subcommand is None:
        _say(parser.format_help())
        return 0
    options = given[given.subcommand]
    if given.subcommand == "validate":
        return _validate(options.files)
    entries = _entries(options.entries)
    if given.subcommand == "list":
        _say("".join(f"{_summary(entry)}\n" for entry in entries))
    elif options.output == "-":
        _say(render_markdown(entries))
    else:
        _save(render_markdown(entries), Path(options.output))
    return 0


def _parser() -> ArgumentParser:
    about = "Which method removes which poison, and at what cost."
    parser = ArgumentParser(prog="leaderboard", exit_on_error=False, description=about)
    subcommands = parser.add_subcommands(required=False)
    for name, (purpose, options) in COMMANDS.items():
        command = ArgumentParser(exit_on_error=False, description=purpose)
        for option in options:
            metavar, explanation = OPTIONS[option]
            if option == "--output":
                command.add_argument(option, type=str, default="-", metavar=metavar, help=explanation)
            else:
                command.add_argument(option, type=str, metavar=metavar, help=explanation)
        if name == "validate":
            command.add_argument("files", type=str, nargs="+", metavar="FILE", help="JSON file of an entry")
        subcommands.add_subcommand(name, command, help=purpose)
    return parser


def _parse(parser: ArgumentParser, arguments: list[str]) -> Namespace:
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    if command is not None and command not in COMMANDS:
        hint = did_you_mean(command, COMMANDS)
        raise UsageError(f"command {command!r} must be {' or '.join(COMMANDS)}{hint}")
    if command == "validate" and len(arguments) == 1:
        raise UsageError("validate needs at least one FILE, got none")
    try:
        return parser.parse_args(arguments)
    except ArgumentError as error:
        known = [*COMMANDS[command][1], "--help"] if command else ["--help"]
        unknown = [text.split("=")[0] for text in arguments if text.startswith("-")]
        wrong = [option for option in unknown if option not in known]
        if wrong:
            where = command or "leaderboard"
            hint = did_you_mean(wrong[0], known)
            raise UsageError(f"option {wrong[0]!r} of {where} must be {' or '.join(known)}{hint}") from error
        raise UsageError(" ".join(str(error).split())) from error


def _entries(folder: str | None) -> list[Entry]:
    if folder is None:
        return read_entries(_newest_entries())
    chosen = Path(folder)
    if not chosen.is_dir():
        beside = [path.name for path in chosen.parent.iterdir() if path.is_dir()] if chosen.parent.is_dir() else []
        hint = did_you_mean(chosen.name, beside)
        raise UsageError(f"--entries {folder!r} must be an existing folder{hint}")
    entries = read_entries(chosen)
    if not entries:
        raise UsageError(f"--entries {folder!r} must hold entries (<scenario>/<method>.json), and holds none")
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
            _say(f"{file}: valid: {_summary(read_entry(file))}\n")
        except EntryError as error:
            status = _complain(error)
    return status


def _summary(entry: Entry) -> str:
    budgets = ", ".join(budget_text(result.budget) for result in entry.results)
    seeds = max(len(result.seeds) for result in entry.results)
    return f"{entry.scenario} {entry.method.name} {entry.status}, budgets {budgets}, seeds {seeds}"


def _save(text: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"--output {str(path)!r} cannot be written: {error.strerror}") from error


def _say(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a character shows a question mark
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(error: Exception) -> int:
    sys.stderr.write(f"leaderboard: error: {error}\n")
    return 2
