"""From an entry back to the method that made it."""

from pathlib import Path

from benchmark.methods import Method, configured_method, default_method, fitted, tuned_method
from benchmark.scenario import Scenario
from benchmark.sources import submissions_of
from benchmark.tuning.tuned import read_tuned
from leaderboard import Entry
from leaderboard.row import family


def recorded_method(entry: Entry, scenario: Scenario, entries: Path) -> Method | None:
    """Return the method of an entry with its settings; None for an anchor.

    Args:
        entry: of any method.
        scenario: the scenario it is of.
        entries: folder of entries, beside which submitted files lie.

    Raises:
        ValueError: if there is no such method, or its name and its settings do not belong together.
    """
    if entry.method.kind == "anchor":
        return None
    reference = family(entry.method.name)
    if entry.source is not None:
        reference = f"{submissions_of(entries) / entry.source.file}:{entry.source.class_name}"
    recorded = entry.hyperparameters
    if entry.tuning is not None:
        return _tuned(entry, tuned_method(reference, recorded, entry.tuning))
    default = default_method(reference)
    changed = {name: value for name, value in recorded.items() if value != default.hyperparameters.get(name, ...)}
    fitted_lr = fitted(default, scenario.lr_factor).hyperparameters.get("lr")
    by_hand = {name: value for name, value in changed.items() if name != "lr" or value != fitted_lr}
    for settings in (by_hand, changed):
        method = fitted(configured_method(reference, settings), scenario.lr_factor)
        if method.name == entry.method.name and dict(method.hyperparameters) == recorded:
            return method
    raise _mismatch(entry, "which are not the settings that its name stands for")


def _tuned(entry: Entry, method: Method) -> Method:
    file = read_tuned()
    found = file.find(entry.scenario, family(entry.method.name))
    if found is None or file.tuning(found) != entry.tuning or entry.method.name != method.name:
        raise _mismatch(entry, "tuned as the file of tuned settings of this checkout does not say")
    if any(entry.hyperparameters.get(name, ...) != value for name, value in found.settings.items()):
        raise _mismatch(entry, "which are not those of the file of tuned settings of this checkout")
    return method


def _mismatch(entry: Entry, why: str) -> ValueError:
    shown = ", ".join(f"{name}={value}" for name, value in sorted(entry.hyperparameters.items()))
    return ValueError(f"the entry of {entry.method.name!r} says {shown}, {why}")
