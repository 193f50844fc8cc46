"""How a network is trained: the part of a scenario that poisoned model and retrain baseline share."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch

Schedule = Literal["constant", "linear", "cosine", "one-cycle", "linear-warmup"]
OptimizerName = Literal["sgd", "adamw"]
Precision = Literal["32-true", "bf16-mixed", "auto"]


@dataclass(frozen=True)
class Recipe:
    """Training settings.

    Attributes:
        epochs: passes over the training set.
        batch_size: samples per optimizer step.
        lr: peak learning rate.
        momentum: of SGD.
        nesterov: Nesterov's form of momentum, of SGD.
        weight_decay: L2 penalty on every parameter with SGD; decoupled decay, of matrices only, with AdamW.
        schedule: how the learning rate moves, per step.
        augmentation: ``none`` or ``flip-crop``.
        precision: ``auto`` takes bf16 autocast where the device gains from it; see :func:`resolve_precision`.
        optimizer: ``sgd``, or ``adamw`` with betas .9 and .999.
    """

    epochs: int
    batch_size: int = 128
    lr: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    schedule: Schedule = "one-cycle"
    augmentation: str = "none"
    precision: Precision = "auto"
    optimizer: OptimizerName = field(default="sgd", metadata={"later": True})

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        if self.lr <= 0:
            raise ValueError(f"lr must be positive, got {self.lr}")
        if self.schedule not in get_args(Schedule):
            raise ValueError(f"schedule must be one of {', '.join(get_args(Schedule))}, got {self.schedule!r}")
        if self.optimizer not in get_args(OptimizerName):
            raise ValueError(f"optimizer must be one of {', '.join(get_args(OptimizerName))}, got {self.optimizer!r}")


def lr_factor(schedule: Schedule, step: int, steps: int) -> float:
    """Return the learning rate of ``step`` (from 0) of ``steps``, as a fraction of its peak.

    ``one-cycle`` rises linearly over the first 30 % from 1/25 to 1 and falls along a cosine to almost 0
    (the shape of Smith and Topin 2018); ``linear`` and ``cosine`` fall from 1 to 0; ``linear-warmup`` rises linearly to
    1 within the first 10 % and falls linearly to 0.
    """
    if schedule == "constant" or steps <= 0:
        return 1.0
    done = step / steps
    if schedule == "linear":
        return max(0.0, 1 - done)
    if schedule == "cosine":
        return _half_cosine(done)
    if schedule == "linear-warmup":
        warm = max(1, round(steps / 10))
        return max(0.0, min((step + 1) / warm, 1.0, (steps - step) / max(1, steps - warm)))
    if done < 0.3:
        return 1 / 25 + (1 - 1 / 25) * done / 0.3
    return _half_cosine((done - 0.3) / 0.7)


def resolve_precision(precision: Precision, device_type: str) -> Literal["32-true", "bf16-mixed"]:
    """Return the precision that ``auto`` stands for: bf16 autocast where the processor multiplies bfloat16 natively.

    Args:
        precision: as in a recipe.
        device_type: ``cpu`` or ``cuda``.
    """
    if precision != "auto":
        return precision
    if device_type == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    native = any(getattr(torch.cpu, name, lambda: False)() for name in names)
    return "bf16-mixed" if native else "32-true"


def _half_cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(min(1.0, done) * math.pi))
