"""``python -m benchmark verify``: runs a claimed entry again, and says whether the second run agrees."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from benchmark.comparison import Compared, Tolerance, compare, show, tolerance_for
from benchmark.fresh import LEAST, compare_fresh, fresh_faults, show_fresh
from benchmark.fresh_seeds import fresh_seeds
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
from leaderboard import BudgetResult, Entry, Provenance, Verification, read_entry, write_entry
from leaderboard.entry import entry_path
from lightning_modules import resolve_precision

TRUSTED = ("craft", "train", "locks")
"""What a second run takes from the store: poisons and trained networks, but nothing that a method or scoring made."""

SAME = ("suite", "modality", "attack", "corpus", "network", "effect", "method", "hyperparameters")
"""Fields that a second run gives, too."""

BLAMELESS, BASELINE = "needs ", "diverged"
TELLING = ("SubmissionError", BASELINE)
"""How the reasons of failures begin: of what another failure took along, of a baseline that diverged (on no seed of an
entry, but perhaps on a fresh one), and of what does not keep a run from saying something on the entry."""

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


@dataclass(frozen=True)
class _Again:
    """A run of an entry's method: its entry, None where there is none, and cells without a result."""

    entry: Entry | None
    failures: tuple[Failure, ...]

    @property
    def lost(self) -> list[Failure]:
        """Cells that failed by themselves."""
        return [failure for failure in self.failures if not failure.reason.startswith(BLAMELESS)]

    @property
    def complete(self) -> bool:
        """Whether nothing failed but what says something on the entry."""
        return all(failure.reason.startswith(TELLING) for failure in self.lost)


@dataclass(frozen=True)
class _Fresh:
    """What fresh seeds said: what was scored on them, what was compared, and what else speaks against the entry."""

    seeds: tuple[int, ...] = ()
    results: tuple[BudgetResult, ...] = ()
    values: tuple[Compared, ...] = ()
    faults: tuple[str, ...] = ()


def verify(
    path: Path,
    store: Path,
    console: Console,
    *,
    from_scratch: bool,
    any_commit: bool,
    workers: int | None,
    fresh: int | None = None,
) -> Verified:
    """Run an entry again with its own configuration, settings, budgets and seeds, compare, and rewrite it.

    Unlearning and every score are computed anew. Poisons and trained networks come from the store, where they are, or
    are computed anew, too. With ``fresh`` the method is also judged on seeds that are drawn now, for which everything
    is computed from nothing: see :mod:`benchmark.fresh` for the rule. The entry is confirmed where both agree.

    Args:
        path: of the entry, in a folder of entries with ``submissions`` beside it.
        store: artifacts.
        console: where progress and a table of the values are shown.
        from_scratch: take nothing from the store.
        any_commit: compare across code: the commit of this checkout is recorded.
        workers: number of processes, or None for one per core or GPU.
        fresh: number of fresh seeds, at least 2, or None for none.

    Raises:
        ValueError: if this checkout, the entry or the file of its method does not allow to run it again, or ``fresh``
            is not what :func:`~benchmark.fresh_seeds.fresh_seeds` takes.
        EntryError: if it is no valid entry.
        StoreError: if the store cannot be used.
    """
    entry = read_entry(path)
    entries = path.absolute().parent.parent
    method = _method_of(entry, entries, path, any_commit=any_commit)
    scenario = all_scenarios()[entry.scenario]
    seeds = fresh_seeds(entry, scenario.seeds, fresh)
    request = Request(
        scenarios=(scenario,),
        methods=() if method is None else (method,),
        budgets=tuple(result.budget for result in entry.results),
        seeds=tuple(sorted({seed.seed for result in entry.results for seed in result.seeds})),
        rows={scenario.name: (entry.method.name,)},
    )
    with _second_store(store, from_scratch=from_scratch) as folder:
        again = _run(request, entry, Places(folder, folder, workers), console, told="a second run")
    if not again.complete:
        return Verified(None, False, again.failures)
    here = provenance(command_line(), resolve_precision(scenario.recipe.precision, device_type()), {})
    tolerance = tolerance_for(entry.provenance, here)
    values = [] if again.entry is None else compare(entry, again.entry, tolerance)
    show(values, console)
    drawn, failures = _on_fresh_seeds(replace(request, seeds=seeds), entry, store, workers, console)
    failures = again.failures + failures
    others = [*_lost(again.lost), *_others(entry, again.entry)]
    said = _judged(entry, values, tolerance, others, here, drawn or _Fresh())
    agrees = not (said.verification and said.verification.differences)
    if drawn is None and agrees:
        return Verified(None, False, failures)
    write_entry(said, entries)
    if (entries.parent / TABLE).exists():
        render_published(entries)
    return Verified(said, agrees, failures)


def _on_fresh_seeds(
    request: Request, entry: Entry, store: Path, workers: int | None, console: Console
) -> tuple[_Fresh | None, tuple[Failure, ...]]:
    """Run the method on other seeds, from nothing, and compare; None where that could not be completed."""
    if not request.seeds:
        return _Fresh(), ()
    with _second_store(store, from_scratch=True) as folder:
        drawn = _run(request, entry, Places(folder, folder, workers), console, told="fresh seeds")
    refused = [failure for failure in drawn.lost if not failure.reason.startswith(BASELINE)]
    results = () if drawn.entry is None else tuple(drawn.entry.results)
    enough = len(results) == len(entry.results) and all(len(result.seeds) >= LEAST for result in results)
    if not drawn.complete or not (enough or refused):
        return None, drawn.failures
    values = compare_fresh(entry.results, results)
    show_fresh(values, console)
    faults = [*_lost(refused), *fresh_faults(entry.results, results)]
    return _Fresh(request.seeds, results, tuple(values), tuple(faults)), drawn.failures


def _run(request: Request, entry: Entry, places: Places, console: Console, *, told: str) -> _Again:
    computed = compute(request, places, console, told=told)
    found = next((one for one in computed.entries if one.method.name == entry.method.name), None)
    return _Again(found, computed.failures)


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
    entry: Entry, again: Sequence[Compared], tolerance: Tolerance, other: list[str], here: Provenance, fresh: _Fresh
) -> Entry:
    """Return the entry with what the second run said; one that diverged stays so."""
    values, other = [*fresh.values, *again], [*fresh.faults, *other]
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
        fresh_seeds=list(fresh.seeds),
        fresh=list(fresh.results),
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
