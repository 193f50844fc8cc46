"""What a check controls while a method runs: threads, determinism, random state, chatter."""

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_CHATTER = ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero")


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state is what this is about
    return (name, np.asarray(keys).tolist(), *rest)


_GLOBALS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "torch's deterministic mode": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "torch's matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "torch's anomaly mode": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "torch's random state": (
        lambda: torch.get_rng_state().tolist(),
        lambda state: torch.set_rng_state(torch.tensor(state, dtype=torch.uint8)),
    ),
    "numpy's random state": (_numpy_state, np.random.set_state),
    "Python's random state": (random.getstate, random.setstate),
}


def global_state() -> dict[str, Any]:
    """Return the values of everything global that a method could leave changed."""
    return {name: get() for name, (get, _) in _GLOBALS.items()}


@contextmanager
def controlled(seed: int) -> Iterator[None]:
    """Run quietly on one thread, with deterministic kernels, from one global random state; restore all afterwards."""
    before = global_state()
    levels = {name: logging.getLogger(name).level for name in _CHATTER}
    try:
        for name in _CHATTER:
            logging.getLogger(name).setLevel(logging.WARNING)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        yield
    finally:
        for name, (_, set_value) in _GLOBALS.items():
            set_value(before[name])
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
