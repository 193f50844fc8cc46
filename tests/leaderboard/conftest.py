"""Small synthetic entries."""

from datetime import UTC, datetime

import numpy as np
import pytest

from leaderboard.entry import (
    BudgetResult,
    Cost,
    Effect,
    Entry,
    MethodCard,
    ModelScore,
    Provenance,
    SeedResult,
)

POISONED = [0.90, 0.95, 0.86, 0.92, 0.88]
RETRAIN = [0.01, -0.02, 0.00, 0.02, -0.01]
SECOND = [-0.01, 0.00, 0.01, -0.01, 0.02]


def score(effect, accuracy, extra=None):
    return ModelScore(effect=effect, accuracy=accuracy, extra=extra or {})


def build_seed(seed, unlearned, accuracy, fraction, baselines, extras):
    poisoned, retrain, second = baselines
    return SeedResult(
        seed=seed,
        unlearned=score(unlearned, accuracy, extras.get("unlearned")),
        poisoned=score(poisoned, 0.71, extras.get("poisoned")),
        retrain=score(retrain, 0.70, extras.get("retrain")),
        second_retrain=score(second, 0.70, extras.get("second_retrain")),
        cost=Cost(
            forward_passes=1000 * fraction,
            backward_passes=2000 * fraction,
            passes=3000 * fraction,
            training_passes=3000.0,
            wall_clock_s=1.5,
            peak_memory_bytes=None,
            flops=None,
            device="cpu",
            stopped_by_budget=False,
        ),
        addresses={"unlearn": "abc"},
    )


def build_entry(
    name="gd",
    unlearned=(0.3, 0.35, 0.25, 0.31, 0.28),
    *,
    scenario="toy-v1",
    budgets=(0.04,),
    accuracy=0.70,
    fraction=0.03,
    poisoned=POISONED,
    retrain=RETRAIN,
    second=SECOND,
    first_seed=0,
    extras=None,
    effect_name="mu",
    **changes,
):
    """An entry whose seeds are ``first_seed``, ``first_seed`` + 1, ...; one accuracy for all seeds, or one each.

    ``extras``: further measurements by role, a mapping for each seed.
    """
    count = len(unlearned)
    accuracies = np.broadcast_to(accuracy, count).tolist()
    baselines = list(zip(poisoned, retrain, second, strict=False))
    further = [{role: extra[row] for role, extra in (extras or {}).items()} for row in range(count)]
    seeds = [
        build_seed(first_seed + row, unlearned[row], accuracies[row], fraction, baselines[row], further[row])
        for row in range(count)
    ]
    fields = {
        "schema_version": 1,
        "scenario": scenario,
        "suite": "mini",
        "modality": "image",
        "attack": "gaussian",
        "corpus": "toy",
        "network": "cnn",
        "method": MethodCard(
            name=name,
            title=name.upper(),
            paper="nobody 2020",
            formula="w - lr g",
            source="the paper",
            kind="anchor" if name in ("no_unlearning", "retrain", "sham") else "unlearner",
        ),
        "hyperparameters": {"lr": 0.01, "epochs": 3},
        "configuration": {"recipe": {"epochs": 5}, "seeds": [0, 1]},
        "effect": Effect(name=effect_name, title="mean correlation", lower_bound=None, upper_bound=None),
        "results": [BudgetResult(budget=budget, seeds=seeds) for budget in budgets],
        "status": "diverged" if None in unlearned else "claimed",
        "provenance": Provenance(
            commit="abc",
            dirty=False,
            packages={"torch": "2.9"},
            python="3.11",
            platform="linux",
            device="cpu",
            precision="32-true",
            command="python -m benchmark run",
            created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            fingerprints={"train": "def"},
        ),
    }
    return Entry(**(fields | changes))


@pytest.fixture(scope="session")
def make_entry():
    return build_entry


@pytest.fixture
def board_entries():
    """One scenario: the sham, a method that removes, two that tie, one that wrecks the network, one that diverges."""
    rng = np.random.default_rng(0)
    noise = lambda mean, sd: [float(x) for x in rng.normal(mean, sd, 5)]  # noqa: E731
    return [
        build_entry("clean", [0.012, -0.021, 0.003, 0.012, -0.008]),
        build_entry("half-a", noise(0.45, 0.03)),
        build_entry("half-b", noise(0.45, 0.03)),
        build_entry("wreck", [0.0, 0.01, -0.01, 0.0, 0.01], accuracy=[0.11, 0.10, 0.09, 0.10, 0.12]),
        build_entry("nan", [0.1, None, 0.1, 0.1, 0.1]),
        build_entry("sham", noise(0.8, 0.02)),
    ]
