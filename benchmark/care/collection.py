"""Removes from a store what nothing needs any more."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.care.family import Family
from benchmark.care.needs import Needs, needs_of
from benchmark.care.shelf import Item, Shelf
from benchmark.graph import STAGES
from benchmark.scenario import Scenario
from benchmark.stages.train import device_type
from benchmark.store import check_schema, exclusive
from leaderboard import Entry

DAY = 24 * 3600


@dataclass(frozen=True)
class Plan:
    """What a collection would remove.

    Attributes:
        doomed: artifacts, those first that were made from others.
        unfinished: folders of unfinished work that nothing goes on with.
        kept: numbers of artifacts that stay, by the first reason that holds.
    """

    doomed: tuple[Item, ...]
    unfinished: tuple[Path, ...]
    kept: Mapping[str, int]


@dataclass
class Collected:
    """What was removed.

    Attributes:
        items: artifacts.
        unfinished: folders of unfinished work.
        busy: addresses that were left since another process works on them.
    """

    items: list[Item] = field(default_factory=list)
    unfinished: list[Path] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)


def plan_collection(
    shelf: Shelf, scenarios: Iterable[Scenario], entries: Sequence[Entry], older_than_days: float = 0.0
) -> Plan:
    """Return what can go. In doubt an artifact stays.

    Args:
        shelf: the store.
        scenarios: whatever a run of these would look up stays, and what it was made from.
        entries: whatever these name stays, what it was made from and the baselines it was judged by.
        older_than_days: what was written later stays.

    Raises:
        CorpusUnavailableError: if a corpus is not there, so that needs cannot be told.
    """
    family, needs = Family(shelf), needs_of(scenarios, shelf)
    wanted = family.ancestors(item for item in shelf.items if item.address in needs.addresses)
    named = family.ancestors(_named(entries, family))
    foreign = family.ancestors(
        item for item in shelf.items if item.description.get("device", device_type()) != device_type()
    )
    lost = not needs.complete
    newest = time.time() - older_than_days * DAY
    kept: dict[str, int] = {}
    doomed = []
    for item in shelf.items:
        missing = family.missing(item)
        reasons = {
            "needed by what is kept": item.address in needs.addresses or item.address in wanted,
            "needed by entries": item.address in named,
            "made on another kind of device, not judged here": item.address in foreign,
            "made from what is missing and may be computed again": bool(
                missing & needs.addresses or (missing and lost)
            ),
            f"written in the last {older_than_days:g} days": item.written > newest,
        }
        reason = next((text for text, holds in reasons.items() if holds), None)
        if reason is None:
            doomed.append(item)
        else:
            kept[reason] = kept.get(reason, 0) + 1
    doomed.sort(key=lambda item: -STAGES.index(item.stage))
    unfinished = [folder for folder in shelf.unfinished if _is_leftover(folder, shelf, needs, newest, lost=lost)]
    return Plan(tuple(doomed), tuple(unfinished), kept)


def collect(
    root: Path, scenarios: Iterable[Scenario], entries: Sequence[Entry], older_than_days: float = 0.0
) -> Collected:
    """Remove what :func:`plan_collection` says, while nobody else has the store open.

    Raises:
        StoreError: if there is no store, or another process has it open.
        CorpusUnavailableError: if a corpus is not there; nothing is removed then.
    """
    check_schema(root)
    with exclusive(root):
        plan = plan_collection(Shelf(root), scenarios, entries, older_than_days)
        done = Collected()
        for item in plan.doomed:
            if remove(root, item.folder):
                done.items.append(item)
            else:
                done.busy.append(item.address)
        for folder in plan.unfinished:
            if remove(root, folder):
                done.unfinished.append(folder)
        _drop_locks(root)
    return done


def remove(root: Path, folder: Path, still: Callable[[], bool] = lambda: True) -> bool:
    """Remove a folder of a store whole.

    A link is removed, and not what it points to.

    Args:
        root: the store.
        folder: in it.
        still: asked while nobody else can work on it; where it says no, the folder stays.

    Returns:
        whether it was removed: not while someone works on it.
    """
    (root / "locks").mkdir(exist_ok=True)
    with suppress(Timeout), FileLock(_lock_of(root, folder), timeout=0):
        if not still():
            return False
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
            return True
        going = folder if folder.name.endswith(".partial") else folder.with_name(f"{folder.name}.partial")
        if going != folder:
            shutil.rmtree(going, ignore_errors=True)
            folder.rename(going)
        shutil.rmtree(going)
        return True
    return False


def _named(entries: Sequence[Entry], family: Family) -> Iterator[Item]:
    for seed in (seed for entry in entries for result in entry.results for seed in result.seeds):
        found = [item for item in map(family.shelf.get, seed.addresses.values()) if item is not None]
        yield from found
        for crafted in (item for item in found if item.stage == "craft"):
            for model in (model for models in family.judges(found, crafted).values() for model in models):
                yield model
                yield from family.scores(model, crafted)


def _is_leftover(folder: Path, shelf: Shelf, needs: Needs, newest: float, *, lost: bool) -> bool:
    """Whether unfinished work will not be gone on with; half of an artifact never is, a workbench may be."""
    if folder.lstat().st_mtime > newest or _is_held(_lock_of(shelf.root, folder)):
        return False
    address, _, kind = folder.name.rpartition(".")
    if kind == "partial" or shelf.get(address) is not None:
        return True
    return not lost and address not in needs.addresses


def _is_held(lock: Path) -> bool:
    """Whether a process holds a lock; nothing is written to find out."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _lock_of(root: Path, folder: Path) -> Path:
    return root / "locks" / f"{folder.parent.name}-{folder.name.partition('.')[0][:32]}.lock"


def _drop_locks(root: Path) -> None:
    """Remove the lock files of what is gone; safe only while nobody else has the store open."""
    present = {_lock_of(root, folder).name for stage in STAGES for folder in (root / stage).glob("*")}
    for path in (root / "locks").glob("*-*.lock"):
        if path.name not in present:
            path.unlink(missing_ok=True)
