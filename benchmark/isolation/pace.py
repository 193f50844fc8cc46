"""How fast this machine trains a network just now: what the time of a submission is held against.

The time that training took once says little on a machine that is busy with other things, then or now. Processor
seconds of the same kind of work, measured beside the job, do.
"""

import copy
import time
from itertools import chain, count
from typing import Literal

import torch
from torch import nn

from benchmark.isolation.limits import Pace
from datamodules import Batch, BatchLoader, SampleSet
from lightning_modules import training_loss

LEAST_STEPS, ENOUGH_S = 4, 0.3


def measured_pace(
    network: nn.Module, samples: SampleSet, batch_size: int, precision: Literal["32-true", "bf16-mixed"]
) -> Pace:
    """Return the seconds that a few training steps take on a copy of a network, and the passes they make.

    Processor seconds on a CPU, wall-clock on a GPU. The global random state is left as it was.

    Args:
        network: what is trained.
        samples: on what.
        batch_size: samples per step.
        precision: of the steps.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clock = time.process_time if device.type == "cpu" else _synchronised
    ours = copy.deepcopy(network).to(device).train()
    loader = BatchLoader(samples.to(device), batch_size, seed=0)
    batches = chain.from_iterable(loader for _ in count())

    def step(batch: Batch) -> int:
        ours.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = training_loss(ours, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return len(batch.target)

    with torch.random.fork_rng():
        step(next(batches))  # the first one is slower
        began, steps, seen = clock(), 0, 0
        while steps < LEAST_STEPS or clock() - began < ENOUGH_S:
            seen += step(next(batches))
            steps += 1
        return Pace(clock() - began, 3.0 * seen, precision)


def _synchronised() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()
