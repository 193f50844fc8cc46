"""``python -m benchmark submit``: from a file with a method to its rows on the board."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.conformance import line
from benchmark.graph import Failure
from benchmark.isolation import SubmissionError, check_apart
from benchmark.methods import ANCHORS, Method
from benchmark.neighbours import neighbours
from benchmark.publish import put_entry, render_published, taken
from benchmark.run import Places, Request, compute
from benchmark.scenario import Scenario
from benchmark.sources import keep_sources, submissions_of
from leaderboard import Entry, read_entries
from leaderboard.entry import entry_path


@dataclass(frozen=True)
class Submitted:
    """What became of a submission.

    Attributes:
        faults: checks that failed, one line each; nothing was run then.
        failures: cells that were not computed; the entries of other scenarios are written all the same.
    """

    faults: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


def submit(
    method: Method, scenarios: Sequence[Scenario], store: Path, entries: Path, workers: int | None, console: Console
) -> Submitted:
    """Check a method, run it on scenarios, write its entries and its file, render the board, and print its rows.

    Args:
        method: no shipped one.
        scenarios: where it is run, each with its own budgets and seeds.
        store: artifacts; what is there is not computed again.
        entries: folder of entries that the new ones join; the file of the method is copied to ``submissions`` beside.
        workers: number of processes, or None for one per core or GPU.
        console: where checks, progress and rows are shown.

    Raises:
        ValueError: if the method is a shipped one, or its name is taken by another.
        EntryError: if an entry that is there cannot be read.
        StoreError: if the store cannot be used.
    """
    submission = method.submission
    if submission is None:
        raise ValueError(
            f"{method.name!r} is a method of this repository and needs no submitting: `run` and `publish` it"
        )
    published = read_entries(entries) if entries.exists() else []
    fault = taken(method.name, submission.class_name, submission.card.paper, published)
    if fault is not None:
        raise ValueError(fault)
    faults = _check(method, console)
    if faults:
        return Submitted(faults=faults)
    rows = {scenario.name: _rows(scenario, method, published) for scenario in scenarios}
    computed = compute(
        Request(tuple(scenarios), (method,), rows=rows),
        Places(store, entries, workers),
        console,
        told=f"entries go to {entries}",
    )
    written = [entry for entry in computed.entries if entry.method.name in rows[entry.scenario]]
    own = [entry for entry in written if entry.method.name == method.name]
    if own:
        keep_sources([method], own, entries)
        _tell_of_stale(own, published, console)
        for entry in written:
            change = put_entry(entry, entries)
            console.print(f"{entry_path(entry, entries)}: {change}, {entry.status}")
        table, page = render_published(entries)
        console.print()
        console.print(neighbours(read_entries(entries), method.name))
        console.print(f"entries lie in {entries}, the method's file in {submissions_of(entries)}")
        console.print(f"the whole board: {table} and {page}")
    return Submitted(failures=computed.failures)


def _check(method: Method, console: Console) -> tuple[str, ...]:
    try:
        results = check_apart(method.reference, method.hyperparameters, lambda _: None)
    except SubmissionError as error:
        return (str(error),)
    failed = [result for result in results if not result.passed]
    for result in failed:
        console.print(line(result))
    console.print(f"{method.name}: {len(results) - len(failed)} checks passed, {len(failed)} failed")
    return tuple(f"{result.name}: {result.detail}" for result in failed)


def _rows(scenario: Scenario, method: Method, published: Sequence[Entry]) -> tuple[str, ...]:
    """Return the method, and the anchors that the board of a scenario lacks."""
    there = {entry.method.name for entry in published if entry.scenario == scenario.name}
    return (method.name, *(anchor for anchor in ANCHORS if anchor not in there))


def _tell_of_stale(own: Sequence[Entry], published: Sequence[Entry], console: Console) -> None:
    places = {(entry.scenario, entry.method.name) for entry in own}
    source = own[0].source
    stale = [
        f"{entry.scenario} {entry.method.name}"
        for entry in published
        if source is not None
        and entry.source is not None
        and entry.source.file == source.file
        and entry.source.sha256 != source.sha256
        and (entry.scenario, entry.method.name) not in places
    ]
    if stale:
        console.print(
            f"the file replaces an earlier one, of which entries are left that no longer can be verified; "
            f"submit those scenarios, too, or remove them: {', '.join(stale)}"
        )
