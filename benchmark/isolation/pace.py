"""How fast this machine trains a network just now: what the time of a submission is held against.

The time that training took once says little on a machine that is busy with other things, then or now. Processor
seconds of the same kind of work, measured beside the job, do.
"""

import copy
import time
from itertools import chain, count

import torch
from torch import nn

from benchmark.isolation.limits import Pace
from datamodules import Batch, BatchLoader, SampleSet
from lightning_modules import NetworkSpec, training_loss

LEAST_STEPS, ENOUGH_S, KEPT_S = 3, 0.2, 120.0

_measured: dict[tuple[str, int], tuple[float, Pace]] = {}


def current_pace(spec: NetworkSpec, network: nn.Module, samples: SampleSet, batch_size: int, *, mixed: bool) -> Pace:
    """Return how fast this process trains a network; what was measured two minutes ago still counts.

    A method may compute in full precision where training does not: the slower of the two is what its ledger explains.

    Args:
        spec: what the network is.
        network: what is trained; a copy of it is.
        samples: on what.
        batch_size: samples per step.
        mixed: whether training is in mixed precision.
    """
    key = (repr((spec, mixed)), batch_size)
    when, pace = _measured.get(key, (-KEPT_S, None))
    if pace is None or time.monotonic() - when > KEPT_S:
        found = [measured_pace(network, samples, batch_size, mixed=one) for one in {False, mixed}]
        pace = max(found, key=lambda one: one.seconds / one.passes)
        _measured[key] = (time.monotonic(), pace)
    return pace


def measured_pace(network: nn.Module, samples: SampleSet, batch_size: int, *, mixed: bool) -> Pace:
    """Return the seconds that a few training steps take on a copy of a network, and the passes they make.

    Processor seconds on a CPU, wall-clock on a GPU. The global random state is left as it was.

    Args:
        network: what is trained.
        samples: on what.
        batch_size: samples per step.
        mixed: whether with bfloat16, as autocast chooses.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clock = time.process_time if device.type == "cpu" else _synchronised
    ours = copy.deepcopy(network).to(device).train()
    batches = chain.from_iterable(BatchLoader(samples.to(device), batch_size, seed=0) for _ in count())

    def step(batch: Batch) -> int:
        ours.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            loss = training_loss(ours, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return len(batch.target)

    with torch.random.fork_rng():
        step(next(batches))  # the first one is slower
        began, steps, seen = clock(), 0, 0
        while steps < LEAST_STEPS or clock() - began < ENOUGH_S:
            seen += step(next(batches))
            steps += 1
        return Pace(clock() - began, 3.0 * seen)


def _synchronised() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()
