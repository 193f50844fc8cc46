"""What holds for every test: one thread, so that sums have one order, and no chatter from Lightning."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from benchmark.calls import Call
    from benchmark.scenario import Scenario
    from benchmark.store import Artifact

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

settings.register_profile("unpoison", deadline=None)  # a busy machine is no mistake
settings.load_profile("unpoison")

for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero"):
    logging.getLogger(name).setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def oracle_network() -> "Callable[[Mapping[str, Tensor]], nn.Module]":
    """Builds the network of tests/oracles/README.md with the weights that a file names ``before.*``."""
    from torch import nn  # noqa: PLC0415 - only after the number of threads is set

    def build(tensors: "Mapping[str, Tensor]") -> "nn.Module":
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3, 1, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, 2, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, 10),
        )
        prefix = "before."
        network.load_state_dict(
            {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        )
        return network

    return build


class Inline:
    """An executor that computes where it is called, for runs too short for worker processes."""

    slots = 1

    def __init__(self, store: Path, workers: int | None = None, gpus: int = 0) -> None:
        self._store = store

    def submit(self, call: "Call") -> "Future[tuple[Artifact, bool]]":
        from benchmark.executors.local import execute  # noqa: PLC0415

        return self.start(execute, call, self._store)

    def start(self, function: Callable[..., Any], *arguments: object) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - as a pool hands it over
            future.set_exception(error)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture(scope="module")
def tiny() -> "Iterator[Scenario]":
    """The only scenario of `smoke`, for everything in this module: digits, one epoch, two seeds, no workers."""
    from benchmark import run  # noqa: PLC0415
    from benchmark.scenarios import all_scenarios  # noqa: PLC0415

    known = all_scenarios()
    scenario = known["digits-gaussian-cnn-v1"]
    short = replace(scenario, recipe=replace(scenario.recipe, epochs=1), seeds=(0, 1))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name, other in known.items() if other.suite == "smoke"]:
            patch.delitem(known, name)
        patch.setitem(known, short.name, short)
        patch.setattr(run, "LocalExecutor", Inline)
        yield short
