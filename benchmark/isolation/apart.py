"""Unlearning and checking with a submission that runs apart from everything else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from benchmark.conformance.result import CheckResult
from benchmark.isolation.describe import complaint, describe, job_of
from benchmark.isolation.exchange import write_request
from benchmark.isolation.handed_back import LedgerRecord, read_ledger, read_state
from benchmark.isolation.limits import CHECK, Limits, Pace
from benchmark.isolation.names import LEDGER_FILE
from benchmark.isolation.pace import current_pace
from benchmark.isolation.pool import sandbox_of
from benchmark.isolation.results import ResultReader
from benchmark.isolation.sandbox import Done, Sandbox
from benchmark.isolation.submission import Setting, Submission, SubmissionError
from benchmark.stages.craft import CraftConfig, load_data
from benchmark.stages.train import WEIGHTS_FILE, device_name, device_type
from benchmark.stages.unlearn import UnlearnConfig, forward_flops
from benchmark.tensors import all_finite, load_weights, save_tensors
from datamodules import SampleSet
from lightning_modules import build_network, resolve_precision


def run_apart(
    submission: Submission,
    pace: Pace,
    config: UnlearnConfig,
    craft: CraftConfig,
    craft_folder: Path,
    weights: Path,
    folder: Path,
    *,
    limits: Limits | None = None,
) -> Mapping[str, Any]:
    """Have a submission unlearn; write what the stage of shipped methods writes. Audit secrets are not read.

    Args:
        submission: who.
        pace: how fast the poisoned model was trained, for the deadline.
        config: network, settings and budget.
        craft: the experiment.
        craft_folder: its crafted poison; the submission does not see it.
        weights: of the poisoned model.
        folder: where the artifact is written.
        limits: what it may take; by default what the budget explains.

    Raises:
        SubmissionError: if it was killed, failed, or handed back something else than was asked for.
    """
    data = load_data(craft, craft_folder)
    network = load_weights(build_network(config.network, 0), weights)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    budget = config.budget * config.training_passes
    limits = limits or _limits(before, config, pace.deadline(budget))
    sandbox = sandbox_of(submission.file, submission.sha256, submission.content)
    write_request(sandbox.inbox, config, weights, data.forget_set, data.retain_set)
    mixed = resolve_precision(config.precision, device_type()) == "bf16-mixed"
    now = current_pace(config.network, network, data.retain_set, config.batch_size, mixed=mixed)
    job = job_of("unlearn", submission, config.hyperparameters) | {"network": asdict(config.network)}
    done = _run(sandbox, job, limits)
    ledger = read_ledger(sandbox.outbox, LEDGER_FILE, budget, config.snapshots)
    if ledger.wall_clock_s > done.seconds:
        raise SubmissionError(f"{LEDGER_FILE} says {ledger.wall_clock_s:g} s, its process ran {done.seconds:g} s")
    state = read_state(sandbox.outbox / WEIGHTS_FILE, before)
    save_tensors(state, folder / WEIGHTS_FILE)
    for number in range(len(ledger.snapshots)):
        name = f"snapshot-{number}.safetensors"
        save_tensors(read_state(sandbox.outbox / name, before), folder / name)
    cost = _cost(ledger, done, now, config, network, data.retain_set)
    (folder / LEDGER_FILE).write_text(json.dumps(cost | {"plan": ledger.plan.model_dump()}, indent=1))
    return {
        "cost": cost,
        "finite": all_finite(state),
        "snapshots": [snapshot.model_dump() for snapshot in ledger.snapshots],
        "protection": {
            "kind": sandbox.walls.kind,
            "memory_limit_bytes": limits.memory_bytes,
            "detail": sandbox.walls.detail,
        },
    }


def check_apart(
    reference: str, settings: Mapping[str, Setting], on_result: Callable[[CheckResult], None]
) -> list[CheckResult]:
    """Have the checks of :mod:`benchmark.conformance` run where the submission lives.

    The results are what its own process says: they help an author, and prove nothing about a hostile one.

    Args:
        reference: ``path/to/file.py:Class``.
        settings: every argument of its ``__init__``.
        on_result: is handed each result as it comes.

    Returns:
        all results.

    Raises:
        ValueError: if there is no such submission.
        SubmissionError: if its process was killed or failed, or says what is no result of a check.
    """
    submission = describe(reference)
    sandbox = sandbox_of(submission.file, submission.sha256, submission.content)
    reader = ResultReader(sandbox.outbox, on_result)
    _run(sandbox, job_of("check", submission, settings), CHECK, reader.read)
    if not reader.results:
        raise SubmissionError("its process ended without any result of a check")
    return reader.results


def _run(sandbox: Sandbox, job: Mapping[str, Any], limits: Limits, on_poll: Callable[[], None] = lambda: None) -> Done:
    done = sandbox.run(job, limits, on_poll)
    if done.status:
        raise SubmissionError(complaint(sandbox, done, str(job["file"])))
    return done


def _limits(state: Mapping[str, Tensor], config: UnlearnConfig, seconds: float) -> Limits:
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    files = 1 + config.snapshots
    return Limits(file_bytes=2 * files * (size + 1024**2), files=files + 4, seconds=seconds)


def _cost(
    ledger: LedgerRecord, done: Done, pace: Pace, config: UnlearnConfig, network: nn.Module, retain: SampleSet
) -> dict[str, Any]:
    allowed = pace.explained(ledger.passes)
    took = done.cpu_s if device_type() == "cpu" else max(done.cpu_s, done.seconds)
    return {
        "forward_passes": ledger.forward_passes,
        "backward_passes": ledger.backward_passes,
        "passes": ledger.passes,
        "training_passes": config.training_passes,
        "wall_clock_s": ledger.wall_clock_s,
        "peak_memory_bytes": done.peak_bytes,
        "flops": ledger.passes * forward_flops(network, retain),
        "device": device_name(),
        "stopped_by_budget": ledger.refused or ledger.plan.cut,
        "cpu_s": done.cpu_s,
        "allowed_s": allowed,
        "explained": took <= allowed,
    }
