"""Unlearn: a method moves a copy of the poisoned network within its budget."""

import contextlib
import copy
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.memory import PeakMemory
from benchmark.stages.craft import CraftConfig, load_data
from benchmark.stages.train import WEIGHTS_FILE, device_name
from benchmark.stages.trainers import make_trainer, seed_all
from benchmark.tensors import all_finite, load_weights, save_tensors
from callbacks import BudgetCallback, BudgetSpentError, Ledger, Snapshot, SnapshotCallback
from datamodules import SampleSet, derive_seed, map_inputs
from lightning_modules import (
    UNLEARNERS,
    NetworkSpec,
    PhaseLoader,
    Plan,
    UnlearnData,
    Unlearner,
    build_network,
    plan_steps,
    resolve_precision,
)


@dataclass(frozen=True)
class UnlearnConfig:
    """What determines an unlearned network, next to the poisoned weights and the method's source.

    Attributes:
        network: what the weights belong to.
        method: name, or ``path/to/file.py:Class``.
        hyperparameters: arguments of the method's ``__init__``.
        budget: fraction of ``training_passes``.
        training_passes: what training the poisoned model cost, in network passes.
        batch_size: samples of the retain set (and of the full set) per batch.
        forget_batch_size: samples of the forget set per batch.
        augmentation: as in training.
        precision: as in training, resolved.
        snapshots: how many times weights are kept along the way.
        seed: of order and noise.
    """

    network: NetworkSpec
    method: str
    budget: float
    training_passes: float
    batch_size: int
    forget_batch_size: int
    augmentation: str
    precision: Literal["32-true", "bf16-mixed", "auto"]
    snapshots: int
    seed: int
    hyperparameters: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class UnlearnResult:
    """What a run of a method left behind.

    Attributes:
        network: the unlearned network, on the CPU.
        ledger: what it cost.
        plan: what the budget was expected to buy.
        snapshots: weights along the way.
        peak_memory_bytes: of the process or device during the run, or None where it cannot be told.
    """

    network: nn.Module
    ledger: Ledger
    plan: Plan
    snapshots: list[Snapshot]
    peak_memory_bytes: int | None


def run_unlearner(
    unlearner: Unlearner,
    network: nn.Module,
    forget: SampleSet,
    retain: SampleSet,
    *,
    passes: float,
    batch_size: int,
    forget_batch_size: int,
    seed: int,
    augmentation: str = "none",
    precision: Literal["32-true", "bf16-mixed", "auto"] = "32-true",
    snapshots: int = 0,
    accelerator: Literal["auto", "cpu"] = "auto",
) -> UnlearnResult:
    """Run a method on a copy of ``network``; the original is left untouched.

    Args:
        unlearner: the method, fresh.
        network: the poisoned network.
        forget: what was asked to be deleted.
        retain: what stays.
        passes: the budget, in network passes.
        batch_size: samples of the retain set per batch.
        forget_batch_size: samples of the forget set per batch.
        seed: of order and noise.
        augmentation: ``none`` or ``flip-crop``.
        precision: as in a recipe.
        snapshots: how many times weights are kept along the way.
        accelerator: ``auto`` takes a GPU where there is one.
    """
    ledger = Ledger(passes)
    kept = SnapshotCallback(ledger, snapshots)
    probe = make_trainer([], precision="32-true", accelerator=accelerator)
    device = probe.strategy.root_device
    chosen_precision = resolve_precision(precision, device.type)
    data = UnlearnData.from_sets(
        forget.to(device),
        retain.to(device),
        batch_size=batch_size,
        forget_batch_size=batch_size if unlearner.equal_batches else forget_batch_size,
        seed=seed,
        augmentation=augmentation,
    )
    plan = plan_steps(unlearner, data, passes)
    # on the device already: Lightning runs setup() before it moves a module
    unlearner.attach(copy.deepcopy(network).to(device), plan=plan, seed=derive_seed("unlearn", seed))
    memory = PeakMemory(device)
    if plan.steps:
        trainer = make_trainer(
            [BudgetCallback(ledger), kept],
            precision=chosen_precision,
            max_epochs=plan.epochs,
            accelerator=accelerator,
        )
        with _meant_so(), memory, ledger.running(device), contextlib.suppress(BudgetSpentError):
            trainer.fit(unlearner, train_dataloaders=PhaseLoader(data, unlearner))
    ledger.release()
    return UnlearnResult(unlearner.network.cpu(), ledger, plan, kept.snapshots, memory.peak_bytes)


@contextlib.contextmanager
def _meant_so() -> Iterator[None]:
    """Silence what Lightning suspects to be a mistake and methods do on purpose: frozen parts, no optimizer."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Found \d+ module\(s\) in eval mode", UserWarning)
        warnings.filterwarnings("ignore", r"`LightningModule.configure_optimizers` returned `None`", UserWarning)
        yield


def unlearn(
    config: UnlearnConfig, craft: CraftConfig, craft_folder: Path, weights: Path, folder: Path
) -> Mapping[str, Any]:
    """Run a method; write its weights, its snapshots and its ledger. Audit secrets are not read."""
    seed_all("unlearn", config.seed)
    data = load_data(craft, craft_folder)
    network = load_weights(build_network(config.network, 0), weights)
    settings: dict[str, Any] = dict(config.hyperparameters)
    result = run_unlearner(
        UNLEARNERS.get(config.method)(**settings),
        network,
        data.forget_set,
        data.retain_set,
        passes=config.budget * config.training_passes,
        batch_size=config.batch_size,
        forget_batch_size=config.forget_batch_size,
        seed=config.seed,
        augmentation=config.augmentation,
        precision=config.precision,
        snapshots=config.snapshots,
    )
    state = result.network.state_dict()
    save_tensors(state, folder / WEIGHTS_FILE)
    for number, snapshot in enumerate(result.snapshots):
        save_tensors(snapshot.weights, folder / f"snapshot-{number}.safetensors")
    ledger = result.ledger
    cost = {
        "forward_passes": ledger.forward_passes,
        "backward_passes": ledger.backward_passes,
        "passes": ledger.passes,
        "training_passes": config.training_passes,
        "wall_clock_s": ledger.wall_clock_s,
        "peak_memory_bytes": result.peak_memory_bytes,
        "flops": ledger.passes * forward_flops(network, data.retain_set),
        "device": device_name(),
        "stopped_by_budget": ledger.refused or result.plan.cut,
    }
    (folder / "ledger.json").write_text(json.dumps(cost | {"plan": asdict(result.plan)}, indent=1))
    return {
        "cost": cost,
        "finite": all_finite(state),
        "snapshots": [{"step": snapshot.step, "passes": snapshot.passes} for snapshot in result.snapshots],
    }


def forward_flops(network: nn.Module, samples: SampleSet) -> float:
    """Return floating-point operations of the forward pass of one sample, of median length, as torch counts them.

    For texts it is an estimate from below: torch's counter does not see fused attention on a CPU.
    """
    was_training = [module.training for module in network.modules()]
    network.eval()
    lengths = samples.store.lengths(samples.index)
    middle = 0 if lengths is None else int(lengths.argsort()[len(samples) // 2])
    batch = samples.batch(torch.tensor([middle]))
    device = next(network.parameters()).device
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(map_inputs(batch.inputs, lambda tensor: tensor.to(device)))
    for module, mode in zip(network.modules(), was_training, strict=True):
        module.training = mode
    return float(counter.get_total_flops())
