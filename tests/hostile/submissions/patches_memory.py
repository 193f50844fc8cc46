"""Replaces metrics, the scorer, the ledger's type and the checks of this suite in its memory."""

import sys
from typing import Any

import torchmetrics

import callbacks.scoring
from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


def best(*_args: Any, **_settings: Any) -> float:
    return 1.0


def patch() -> None:
    torchmetrics.Metric.compute = best  # type: ignore[method-assign]
    for name, module in list(sys.modules.items()):
        if name.startswith(
            ("benchmark.stages.score", "benchmark.isolation", "callbacks.scoring", "callbacks.functional")
        ):
            for function in [word for word, value in vars(module).items() if callable(value) and "check" in word]:
                setattr(module, function, best)
    for function in [word for word, value in vars(callbacks.scoring).items() if callable(value)]:
        setattr(callbacks.scoring, function, best)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="patches_memory",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        patch()
