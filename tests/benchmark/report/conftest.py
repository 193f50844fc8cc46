"""Synthetic material: entries as a run makes them, and statistics instead of a store."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest

from benchmark.report.material import SEEN, Material
from leaderboard import BudgetResult, Cost, Effect, Entry, MethodCard, ModelScore, Provenance, SeedResult

SEEDS = 5
COST = Cost(
    forward_passes=10.0,
    backward_passes=20.0,
    passes=30.0,
    training_passes=3000.0,
    wall_clock_s=1.0,
    peak_memory_bytes=None,
    flops=None,
    device="cpu",
    stopped_by_budget=False,
)
PROVENANCE = Provenance(
    commit="abc",
    dirty=False,
    packages={},
    python="3.11",
    platform="linux",
    device="cpu",
    precision="32-true",
    command="python -m benchmark run",
    created=datetime(2026, 1, 2, tzinfo=UTC),
    fingerprints={},
)


def scores(mean, accuracy, seed, spread=0.01):
    return ModelScore(effect=mean + spread * ((seed * 7) % 5 - 2) / 2, accuracy=accuracy, extra={})


def build_entry(name, left, *, accuracy=0.7, budgets=(0.1,), took=True, lr=0.01, **changes):
    """An entry in which a share ``left`` of an effect of 1 is left; a mapping gives it by budget."""
    results = []
    for budget in budgets:
        share = left[budget] if isinstance(left, dict) else left
        seeds = [
            SeedResult(
                seed=seed,
                unlearned=scores(share, accuracy, seed),
                poisoned=scores(1.0 if took else 0.0, 0.7, seed + 1),
                retrain=scores(0.0, 0.7, seed + 2),
                second_retrain=scores(0.0, 0.7, seed + 3),
                cost=COST,
                addresses={"unlearn": name, "score": f"{name} {seed}", "craft": "c"},
            )
            for seed in range(SEEDS)
        ]
        results.append(BudgetResult(budget=budget, seeds=seeds))
    anchor = name in ("no_unlearning", "retrain", "sham")
    fields = {
        "schema_version": 1,
        "scenario": "toy-gaussian-cnn-v1",
        "suite": "mini",
        "modality": "image",
        "attack": "gaussian",
        "corpus": "toy",
        "network": "cnn",
        "method": MethodCard(
            name=name, title=name, paper="p", formula="f", source="s", kind="anchor" if anchor else "unlearner"
        ),
        "hyperparameters": {} if anchor else {"lr": lr},
        "configuration": {"forget": {"identified": 1.0, "false_positives": 0.0}},
        "effect": Effect(name="gaussian_correlation", title="I", lower_bound=None, upper_bound=None),
        "results": results,
        "status": "claimed",
        "provenance": PROVENANCE,
    }
    return Entry(**(fields | changes))


@dataclass(frozen=True)
class FakeMaterial(Material):
    """Material whose statistics are given by method and name, instead of read from a store."""

    shifts: dict = field(default_factory=dict)

    def statistics(self, seed, name=SEEN):
        method, _, number = seed.addresses["score"].partition(" ")
        if (method, name) not in self.shifts:
            return None
        return np.random.default_rng([int(number), len(method), 1]).normal(self.shifts[method, name], 1, 375)


@pytest.fixture(scope="session")
def make_entry():
    return build_entry


@pytest.fixture(scope="session")
def make_material():
    def make(entries, shifts=None):
        return FakeMaterial(tuple(entries), None, "python -m benchmark report", shifts or {})

    return make
