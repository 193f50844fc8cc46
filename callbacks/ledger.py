"""Counts what an unlearner costs, in passes of samples through the network."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from datamodules import batch_size


class BudgetSpentError(RuntimeError):
    """A pass was asked for that the budget does not pay; it was not made."""


class Ledger:
    """Counts forward and backward passes of every network it watches and of their copies.

    A forward of one sample costs 1 and its backward 2, whatever part of the network it reaches. A forward with
    gradients enabled is only started when its backward can be paid too, so the budget is never exceeded. Copies made
    with ``copy.deepcopy`` are counted like the original, hence teachers cost what they should.

    Args:
        budget: network passes that may be spent, or None for no limit.

    Attributes:
        forward_passes: samples that went forward.
        backward_passes: twice the samples that went backward.
        refused: whether a pass was refused.
    """

    def __init__(self, budget: float | None = None) -> None:
        if budget is not None and budget < 0:
            raise ValueError(f"budget must be at least 0, got {budget}")
        self.budget = budget
        self.forward_passes = 0.0
        self.backward_passes = 0.0
        self.refused = False
        self.wall_clock_s = 0.0
        self._started: float | None = None
        self._counting = True
        self._hooks: list[RemovableHandle] = []

    @property
    def passes(self) -> float:
        """Network passes spent so far."""
        return self.forward_passes + self.backward_passes

    def watch(self, network: nn.Module) -> None:
        """Count every call of ``network`` and of its future copies."""
        self._hooks += [
            network.register_forward_pre_hook(_Meter(self, before=True), with_kwargs=True),
            network.register_forward_hook(_Meter(self, before=False), with_kwargs=True),
        ]

    def release(self) -> None:
        """Let go of the watched networks: whoever calls them from now on pays nothing."""
        while self._hooks:
            self._hooks.pop().remove()

    def affords(self, passes: float) -> bool:
        """Whether ``passes`` more network passes can be paid."""
        return self.budget is None or self.passes + passes <= self.budget + 1e-6

    @contextmanager
    def running(self, device: torch.device) -> Iterator[None]:
        """Measure wall-clock seconds; work queued on a GPU is waited for."""
        self._tick(device)
        try:
            yield
        finally:
            self._tock(device)

    @contextmanager
    def paused(self, device: torch.device) -> Iterator[None]:
        """Neither count passes nor time: for measurements the suite makes itself."""
        self._tock(device)
        self._counting = False
        try:
            yield
        finally:
            self._counting = True
            self._tick(device)

    def charge_forward(self, samples: int, *, with_backward: bool) -> None:
        """Count a forward pass that is about to be made.

        Raises:
            BudgetSpentError: if the budget does not pay it (and its backward, where one may follow).
        """
        if not self._counting:
            return
        if not self.affords(samples * (3 if with_backward else 1)):
            self.refused = True
            raise BudgetSpentError(
                f"{self.passes:g} of {self.budget:g} network passes are spent; {samples} samples more do not fit"
            )
        self.forward_passes += samples

    def charge_backward(self, samples: int) -> None:
        """Count a backward pass that is being made.

        Raises:
            BudgetSpentError: if the budget does not pay it.
        """
        if not self._counting:
            return
        if not self.affords(2 * samples):
            self.refused = True
            raise BudgetSpentError(
                f"{self.passes:g} of {self.budget:g} network passes are spent; a backward pass does not fit"
            )
        self.backward_passes += 2 * samples

    def _tick(self, device: torch.device) -> None:
        _synchronise(device)
        self._started = time.perf_counter()

    def _tock(self, device: torch.device) -> None:
        _synchronise(device)
        if self._started is not None:
            self.wall_clock_s += time.perf_counter() - self._started
        self._started = None


class _Meter:
    """A forward hook that copies of a network share with the original."""

    def __init__(self, ledger: Ledger, *, before: bool) -> None:
        self.ledger = ledger
        self.before = before

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Meter":
        return self

    def __call__(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any = None) -> None:
        samples = batch_size(args[0] if args else next(iter(kwargs.values())))
        if self.before:
            self.ledger.charge_forward(samples, with_backward=torch.is_grad_enabled())
        elif isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda _: self.ledger.charge_backward(samples))  # type: ignore[no-untyped-call]


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
