"""``python -m benchmark verify``: runs a claimed entry again, and says whether the second run agrees."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.comparison import Compared, Tolerance, compare, show, tolerance_for
from benchmark.graph import Failure
from benchmark.methods import Method
from benchmark.provenance import command_line, difference_from, provenance
from benchmark.publish import TABLE, configuration_fault, render_published
from benchmark.recorded import recorded_method
from benchmark.run import Places, Request, compute
from benchmark.scenarios import all_scenarios
from benchmark.sources import source_fault
from benchmark.stages.train import device_type
from benchmark.store import ArtifactStore
from leaderboard import Entry, Provenance, Verification, read_entry, write_entry
from leaderboard.entry import entry_path
from lightning_modules import resolve_precision

TRUSTED = ("craft", "train", "locks")
"""What a second run takes from the store: poisons and trained networks, but nothing that a method or scoring made."""

SAME = ("suite", "modality", "attack", "corpus", "network", "effect", "method", "hyperparameters")
"""Fields that a second run gives, too."""

BLAMELESS = "needs "
TELLING = ("SubmissionError", "diverged")
"""How the reasons of failures begin: of what another failure took along, and of what says something on the entry."""

SHOWN = 50
"""Differences that an entry lists; of more it gives the number."""


@dataclass(frozen=True)
class Verified:
    """What a second run said.

    Attributes:
        entry: as it was rewritten; None where the second run could not be completed, and nothing was written.
        agrees: whether it confirms the entry.
        failures: cells of the second run without a result.
    """

    entry: Entry | None
    agrees: bool
    failures: tuple[Failure, ...]


def verify(
    path: Path, store: Path, console: Console, *, from_scratch: bool, any_commit: bool, workers: int | None
) -> Verified:
    """Run an entry again with its own configuration, settings, budgets and seeds, compare, and rewrite it.

    Unlearning and every score are computed anew. Poisons and trained networks come from the store, where they are, or
    are computed anew, too.

    Args:
        path: of the entry, in a folder of entries with ``submissions`` beside it.
        store: artifacts.
        console: where progress and a table of the values are shown.
        from_scratch: take nothing from the store.
        any_commit: compare across code: the commit of this checkout is recorded.
        workers: number of processes, or None for one per core or GPU.

    Raises:
        ValueError: if this checkout, the entry or the file of its method does not allow to run it again.
        EntryError: if it is no valid entry.
        StoreError: if the store cannot be used.
    """
    entry = read_entry(path)
    entries = path.absolute().parent.parent
    method = _method_of(entry, entries, path, any_commit=any_commit)
    scenario = all_scenarios()[entry.scenario]
    request = Request(
        scenarios=(scenario,),
        methods=() if method is None else (method,),
        budgets=tuple(result.budget for result in entry.results),
        seeds=tuple(sorted({seed.seed for result in entry.results for seed in result.seeds})),
        rows={scenario.name: (entry.method.name,)},
    )
    with _second_store(store, from_scratch=from_scratch) as folder:
        computed = compute(request, Places(folder, folder, workers), console, told="a second run")
    again = next((one for one in computed.entries if one.method.name == entry.method.name), None)
    lost = [failure for failure in computed.failures if not failure.reason.startswith(BLAMELESS)]
    if any(not failure.reason.startswith(TELLING) for failure in lost):
        return Verified(None, False, computed.failures)
    here = provenance(command_line(), resolve_precision(scenario.recipe.precision, device_type()), {})
    tolerance = tolerance_for(entry.provenance, here)
    values = [] if again is None else compare(entry, again, tolerance)
    said = _judged(entry, values, tolerance, [*_lost(lost), *_others(entry, again)], here)
    show(values, console)
    write_entry(said, entries)
    if (entries.parent / TABLE).exists():
        render_published(entries)
    return Verified(said, not (said.verification and said.verification.differences), computed.failures)


def _method_of(entry: Entry, entries: Path, path: Path, *, any_commit: bool) -> Method | None:
    """Return what is to be run again, None for an anchor.

    Raises:
        ValueError: if it cannot be.
    """
    if path.absolute() != entry_path(entry, entries):
        raise ValueError(f"{path} must lie at <entries>/{entry.scenario}/{entry.method.name}.json to be verified")
    if not any_commit:
        fault = difference_from(entry.provenance.commit)
        if entry.provenance.dirty:
            fault = f"it was made with uncommitted changes to commit {entry.provenance.commit[:12]}"
        if fault is not None:
            raise ValueError(
                f"{path} cannot be verified: {fault}; check that commit out, or compare across code with --any-commit"
            )
    fault = configuration_fault(entry) or source_fault(entry, entries)
    if fault is not None:
        raise ValueError(f"{path} cannot be verified: {fault}")
    return recorded_method(entry, all_scenarios()[entry.scenario], entries)


@contextmanager
def _second_store(store: Path, *, from_scratch: bool) -> Iterator[Path]:
    """Make a store for one run beside ``store``, of which it shows what may be trusted."""
    opened = ArtifactStore(store)
    root = store.absolute()
    folder = Path(tempfile.mkdtemp(prefix=f"{root.name}.second-run-", dir=root.parent))
    try:
        for name in () if from_scratch else TRUSTED:
            (opened.root / name).mkdir(exist_ok=True)
            (folder / name).symlink_to(root / name, target_is_directory=True)
        yield folder
    finally:
        shutil.rmtree(folder)


def _judged(
    entry: Entry, values: Sequence[Compared], tolerance: Tolerance, other: list[str], here: Provenance
) -> Entry:
    """Return the entry with what the second run said; one that diverged stays so."""
    differences = other + [str(value) for value in values if not value.agrees]
    shares = [value.share for value in values if value.share is not None]
    more = [f"and {len(differences) - SHOWN} more"] if len(differences) > SHOWN else []
    verification = Verification(
        commit=f"{here.commit} with uncommitted changes" if here.dirty else here.commit,
        device=here.device,
        created=here.created,
        compared=len(values) + len(other),
        tolerance=tolerance.effect,
        accuracy_tolerance=tolerance.accuracy,
        largest=max(shares, default=0.0),
        differences=differences[:SHOWN] + more,
    )
    status = "diverged" if entry.status == "diverged" else "unreliable" if differences else "verified"
    return entry.model_copy(update={"status": status, "verification": verification})


def _lost(failures: Sequence[Failure]) -> list[str]:
    return [f"{failure.key}: no result in the second run: {failure.reason}" for failure in failures]


def _others(entry: Entry, again: Entry | None) -> list[str]:
    """Return what differs beside the values: words and settings, and time that a ledger does not explain."""
    lines = []
    for name, one in (("entry", entry), ("second run", again)):
        seeds = [(result.budget, seed) for result in (one.results if one else ()) for seed in result.seeds]
        lines += [
            f"seed {seed.seed} at {100 * budget:g} %: the ledger of the {name} does not explain the time it took"
            for budget, seed in seeds
            if not seed.cost.explained
        ]
    if again is not None:
        ours, theirs = (one.model_dump(mode="json", include=set(SAME)) for one in (entry, again))
        lines += [f"{name} differs from that of the second run" for name in SAME if ours[name] != theirs[name]]
        corpora = [one.provenance.fingerprints.get("corpus") for one in (entry, again)]
        if corpora[0] != corpora[1]:
            lines.append("the corpus differs from that of the second run")
    return lines
