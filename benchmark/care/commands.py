"""``python -m benchmark store``: ls, du, verify, gc, lineage."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from benchmark.care.ancestry import SHOWN, lineage
from benchmark.care.collection import Plan, collect, plan_collection, remove
from benchmark.care.family import Family
from benchmark.care.integrity import damage_of
from benchmark.care.needs import chosen_scenarios
from benchmark.care.shelf import Item, Shelf, read_item
from benchmark.care.words import age_text, size_text, words_of
from benchmark.graph import STAGES
from benchmark.store import StoreError
from leaderboard import read_entries

ENTRIES = ("leaderboard/entries", "output/*/entries")
"""Where entries are looked for whose artifacts stay, if no folder is given."""

STORE = Path("output/store")


@dataclass(frozen=True)
class LsOptions:
    """List every artifact: stage, address, bytes, age, and what it is.

    Args:
        store: folder of artifacts.
    """

    store: Path = STORE


@dataclass(frozen=True)
class DuOptions:
    """Say how many bytes the artifacts of each stage take.

    Args:
        store: folder of artifacts.
    """

    store: Path = STORE


@dataclass(frozen=True)
class VerifyOptions:
    """Hash every file of every artifact and list what is damaged; exit code 1 if anything is.

    Args:
        store: folder of artifacts.
    """

    store: Path = STORE


@dataclass(frozen=True)
class GcOptions:
    """Say what nothing needs any more, and with --yes remove it.

    Args:
        keep: suites and scenarios whose artifacts stay, e.g. mini,smoke.
        entries: folders of entries whose artifacts stay, separated by commas; by default leaderboard/entries and
            output/*/entries.
        older_than: leave what was written in the last so many days.
        store: folder of artifacts.
    """

    keep: list[str]
    entries: str | None = None
    older_than: float = 0.0
    store: Path = STORE


@dataclass(frozen=True)
class LineageOptions:
    """Show everything that made an entry or an artifact, and whether it is still there and intact.

    Args:
        store: folder of artifacts.
    """

    store: Path = STORE


OPTIONS = {
    "ls": LsOptions,
    "du": DuOptions,
    "verify": VerifyOptions,
    "gc": GcOptions,
    "lineage": LineageOptions,
}

FLAGS = {
    "repair": ("verify", "remove what is damaged, so that the next run computes it again"),
    "yes": ("gc", "act; without it nothing is removed"),
}
"""Options without a value: the command each belongs to, and what it does."""


def add_store_commands(parser: ArgumentParser, new_parser: Callable[[str], ArgumentParser]) -> None:
    """Add the commands of a store to a parser, as ``subcommand``.

    Args:
        parser: of ``store``.
        new_parser: makes a parser from its description.
    """
    commands = parser.add_subcommands(required=True, dest="action")
    for name, options in OPTIONS.items():
        title = (options.__doc__ or "").partition("\n")[0]
        command = new_parser(title)
        if name == "lineage":
            command.add_argument("entry", type=str, help="file of an entry, or the first digits of an address")
        command.add_class_arguments(options, as_group=False, fail_untyped=True)
        for flag, (owner, text) in FLAGS.items():
            if owner == name:
                command.add_argument(f"--{flag}", action="store_true", help=text)
        commands.add_subcommand(name, command, help=title)


def run_store(values: Namespace, console: Console) -> int:
    """Run one of the commands and return the exit code.

    Raises:
        StoreError: if there is no store, or it cannot be changed.
        EntryError: if an entry cannot be read.
        CorpusUnavailableError: if what is needed cannot be told.
        ValueError: for another mistake of the user.
    """
    options = values[values.action]
    try:
        return _COMMANDS[values.action](options, Path(options.store), console)
    except OSError as error:
        raise StoreError(f"store {str(options.store)!r} cannot be used: {error.strerror}") from error


def _ls(_: Namespace, root: Path, console: Console) -> int:
    shelf = Shelf(root)
    family = Family(shelf)
    for item in shelf.items:
        console.print(_line(item, family))
    for folder in shelf.unfinished:
        console.print(f"{folder.parent.name:8} {folder.name[:SHOWN]} unfinished ({folder.suffix.removeprefix('.')})")
    return 0


def _du(_: Namespace, root: Path, console: Console) -> int:
    items = Shelf(root).items
    for stage in STAGES:
        _total(stage, [item for item in items if item.stage == stage], console)
    _total("total", items, console)
    return 0


def _verify(options: Namespace, root: Path, console: Console) -> int:
    shelf = Shelf(root)
    damaged = [(item, fault) for item in shelf.items if (fault := damage_of(item)) is not None]
    for item, fault in damaged:
        done = ""
        if options.repair:
            removed = remove(root, item.folder, partial(_still_damaged, item))
            done = "; removed" if removed else "; left, another process works on it"
        console.print(f"damaged: {item.stage} {item.address[:SHOWN]}: {fault}{done}")
    console.print(f"{len(shelf.items)} artifacts, {len(damaged)} damaged")
    return 1 if damaged else 0


def _still_damaged(item: Item) -> bool:
    return item.folder.is_symlink() or damage_of(read_item(item.stage, item.folder)) is not None


def _gc(options: Namespace, root: Path, console: Console) -> int:
    scenarios = chosen_scenarios(options.keep)
    if not options.older_than >= 0:
        raise ValueError(f"--older_than must be a number of days from 0, got {options.older_than:g}")
    named = options.entries
    folders = _found_entries() if named is None else [Path(folder) for folder in named.split(",")]
    entries = [entry for folder in folders for entry in read_entries(folder)]
    shelf = Shelf(root)
    if not options.yes:
        _tell(plan_collection(shelf, scenarios, entries, options.older_than), shelf, folders, console)
        return 0
    done = collect(root, scenarios, entries, options.older_than)
    for address in done.busy:
        console.print(f"left: {address[:SHOWN]}, another process works on it")
    freed = size_text(sum(item.bytes for item in done.items))
    console.print(f"removed {len(done.items)} artifacts ({freed}) and {len(done.unfinished)} unfinished")
    return 0


def _tell(plan: Plan, shelf: Shelf, folders: Sequence[Path], console: Console) -> None:
    family = Family(shelf)
    for item in plan.doomed:
        console.print(f"would go: {_line(item, family)}")
    for folder in plan.unfinished:
        console.print(f"would go: unfinished {folder.parent.name} {folder.name}")
    for reason, number in plan.kept.items():
        console.print(f"{number} artifacts stay: {reason}")
    console.print(f"entries looked at: {', '.join(map(str, folders)) or 'none'}")
    freed = size_text(sum(item.bytes for item in plan.doomed))
    console.print(
        f"{len(plan.doomed)} artifacts ({freed}) and {len(plan.unfinished)} unfinished would go; --yes removes them"
    )


def _lineage(options: Namespace, root: Path, console: Console) -> int:
    for line in lineage(options.entry, Shelf(root)):
        console.print(line)
    return 0


_COMMANDS: dict[str, Callable[[Namespace, Path, Console], int]] = {
    "ls": _ls,
    "du": _du,
    "verify": _verify,
    "gc": _gc,
    "lineage": _lineage,
}


def _line(item: Item, family: Family) -> str:
    age = age_text(time.time() - item.written)
    return f"{item.stage:8} {item.address[:SHOWN]} {size_text(item.bytes):>9} {age:>7} {words_of(item, family)}"


def _total(name: str, items: Sequence[Item], console: Console) -> None:
    console.print(f"{name:8} {len(items):6} {size_text(sum(item.bytes for item in items)):>9}")


def _found_entries() -> list[Path]:
    return sorted(path for pattern in ENTRIES for path in Path().glob(pattern) if path.is_dir())
