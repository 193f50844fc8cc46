"""Where the report takes its facts from: entries, and the artifacts that their addresses name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from benchmark.report.roc import FloatArray
from benchmark.stages.train import WEIGHTS_FILE
from benchmark.store import Artifact, ArtifactStore
from leaderboard import Board, Entry, SeedResult, build_boards

HEADLINE = 0.1
"""The largest of the paper's budgets."""

SEEN, FRESH = "gaussian/statistic", "gaussian/statistic_fresh"
MODEL_STAGES = ("unlearn", "train", "sham")


@dataclass(frozen=True)
class Material:
    """Everything that sections draw from.

    Attributes:
        entries: of all scenarios and methods.
        store: where their artifacts lie; None if there is none.
        command: the command that makes the report.
    """

    entries: Sequence[Entry]
    store: ArtifactStore | None
    command: str

    @cached_property
    def boards(self) -> Sequence[Board]:
        """One board per scenario and budget."""
        return build_boards(self.entries)

    @cached_property
    def headline_boards(self) -> Sequence[Board]:
        """Of each scenario the board of its largest budget up to 10 % of training."""
        best: dict[str, Board] = {}
        for board in self.boards:
            if board.budget <= HEADLINE * (1 + 1e-9):
                best[board.entry.scenario] = board
        return list(best.values())

    @cached_property
    def scenarios(self) -> Sequence[str]:
        """Names of all scenarios, in order."""
        return sorted({entry.scenario for entry in self.entries})

    def of(self, scenario: str) -> list[Entry]:
        """Return the entries of a scenario: the poisoned model first, then unlearners, sham and retrain baseline."""
        order = {"no_unlearning": 0, "sham": 2, "retrain": 3}
        chosen = [entry for entry in self.entries if entry.scenario == scenario]
        return sorted(chosen, key=lambda entry: (order.get(entry.method.name, 1), entry.method.name))

    def results(self, scenario: str, budget: float) -> Iterator[tuple[Entry, Sequence[SeedResult]]]:
        """Yield every entry of a scenario that has results at a budget, with them."""
        for entry in self.of(scenario):
            for result in entry.results:
                if result.budget == budget:
                    yield entry, result.seeds

    def artifact(self, stage: str, address: str | None) -> Artifact | None:
        """Return an artifact if it is in the store, undamaged."""
        return None if self.store is None or address is None else self.store.find(stage, address)

    def weights(self, seed: SeedResult) -> Path | None:
        """Return the file of the weights of the unlearned model of a seed, of a baseline's where it is an anchor's."""
        for stage in MODEL_STAGES:
            found = self.artifact(stage, seed.addresses.get("unlearn"))
            if found is not None and found.file(WEIGHTS_FILE).exists():
                return found.file(WEIGHTS_FILE)
        return None

    def statistics(self, seed: SeedResult, name: str = SEEN) -> FloatArray | None:
        """Return the statistic I of every poison ``(P,)`` of a seed; ``name`` may ask for that of fresh noise."""
        found = self.artifact("score", seed.addresses.get("score"))
        if found is None:
            return None
        arrays = load_file(found.file("arrays.safetensors"))
        return np.asarray(arrays[name], dtype=np.float64) if name in arrays else None


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds in words: ``5 seeds (0, 1, 2, 3, 4)``."""
    return f"{len(seeds)} seed{'s' if len(seeds) != 1 else ''} ({', '.join(map(str, seeds))})"


def made_by(entries: Sequence[Entry], command: str) -> str:
    """Return the commands behind a figure: those that made the entries, and that of the report."""
    made = sorted({entry.provenance.command for entry in entries})
    shown = "; ".join(made[:2]) + (f"; and {len(made) - 2} more" if len(made) > 2 else "")
    return f"Entries made by: {shown}. Figure made by: {command}."
