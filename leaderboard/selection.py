"""Selections: which of many entries a reader wants to see."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leaderboard.complaints import did_you_mean
from leaderboard.entry import Entry

FIELDS = ("suite", "modality", "attack", "scenario")
"""Fields of an entry that can be selected by their value."""


class SelectionError(ValueError):
    """A selection that holds nothing. The message is one line: what was asked for and what there is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to show; None shows everything, and what is given must hold together.

    Attributes:
        suite: name of the suite.
        modality: ``image`` or ``text``.
        attack: name of the poison; ``_`` and ``-`` are the same.
        scenario: name of the scenario.
        budget: fraction of the training passes, in (0, 1].
        verified: only unlearners that a second run confirmed. Anchors stay beside them, whatever their status.
    """

    suite: str | None = None
    modality: str | None = None
    attack: str | None = None
    scenario: str | None = None
    budget: float | None = None
    verified: bool = False


def select(entries: Iterable[Entry], selection: Selection) -> list[Entry]:
    """Return the entries that ``selection`` asks for, in their order, each with the budgets that it asks for.

    Raises:
        SelectionError: if there is none.
    """
    left = list(entries)
    told: list[str] = []
    for name in FIELDS:
        wanted = getattr(selection, name)
        if wanted is not None:
            left = _by_field(left, name, wanted, told)
            told.append(f"{name} {wanted}")
    if selection.budget is not None:
        left = _by_budget(left, selection.budget, told)
        told.append(f"budget {selection.budget:g}")
    return _verified(left, told) if selection.verified else left


def _by_field(entries: Sequence[Entry], name: str, wanted: str, told: Sequence[str]) -> list[Entry]:
    found = [entry for entry in entries if _plain(getattr(entry, name)) == _plain(wanted)]
    if not found:
        known = sorted({str(getattr(entry, name)) for entry in entries})
        raise SelectionError(_nothing(name, repr(wanted), known, told) + did_you_mean(wanted, known))
    return found


def _by_budget(entries: Sequence[Entry], wanted: float, told: Sequence[str]) -> list[Entry]:
    pairs = [(entry, [one for one in entry.results if math.isclose(one.budget, wanted)]) for entry in entries]
    found = [entry.model_copy(update={"results": results}) for entry, results in pairs if results]
    if not found:
        known = sorted({one.budget for entry in entries for one in entry.results})
        raise SelectionError(_nothing("budget", f"{wanted:g}", [f"{budget:g}" for budget in known], told))
    return found


def _verified(entries: Sequence[Entry], told: Sequence[str]) -> list[Entry]:
    confirmed = {entry.scenario for entry in entries if entry.status == "verified" and entry.method.kind == "unlearner"}
    found = [
        entry
        for entry in entries
        if entry.status == "verified" or (entry.method.kind == "anchor" and entry.scenario in confirmed)
    ]
    if not found:
        known = sorted({str(entry.status) for entry in entries})
        raise SelectionError(_nothing("status", "'verified'", known, told))
    return found


def _nothing(name: str, wanted: str, known: Sequence[str], told: Sequence[str]) -> str:
    among = f" with {' and '.join(told)}" if told else ""
    return f"{name} {wanted} must be that of some entry{among}: {' or '.join(known) or 'there is none'}"


def _plain(text: str) -> str:
    return text.replace("_", "-")
