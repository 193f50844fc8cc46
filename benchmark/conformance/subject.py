"""A method under test, and its runs."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.conformance.setting import BATCH_SIZE, FORGET_BATCH_SIZE, Setting, digits
from benchmark.conformance.surroundings import controlled, global_state
from benchmark.stages.unlearn import forward_flops, run_unlearner
from callbacks import Ledger
from lightning_modules import Plan, Unlearner

EPOCHS = 5
State = Mapping[str, Tensor]


@dataclass
class Run:
    """What one run of a method left behind.

    Attributes:
        unlearner: the method, after the run.
        after: state of the unlearned network.
        parameters: names of its parameters.
        original: state of the network that was handed in, after the run.
        shared: names of tensors of the unlearned network that lie in the memory of the one handed in.
        granted: the budget, in network passes.
        ledger: what it cost.
        plan: what the budget was expected to buy.
        frozen: what must not have moved since ``setup``, with its values then.
        global_changes: names of global settings that are not as they were.
        flops: floating-point operations, where they were counted.
        charged_flops: what the passes in the ledger amount to.
    """

    unlearner: Unlearner
    after: State
    parameters: list[str]
    original: State
    shared: list[str]
    granted: float
    ledger: Ledger
    plan: Plan
    frozen: State
    global_changes: list[str]
    flops: float | None = None
    charged_flops: float | None = None


@dataclass
class Subject:
    """A method under test, with the hyper-parameters it is tested with; runs are made when they are asked for."""

    unlearner_class: type[Unlearner]
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    setting: Setting = field(default_factory=digits)
    _by_budget: dict[float, Run] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call the method in messages."""
        return self.unlearner_class.__name__

    def make(self, **overrides: Any) -> Unlearner:
        """Return a fresh instance."""
        settings: dict[str, Any] = {**self.hyperparameters, **overrides}
        return self.unlearner_class(**settings)

    @cached_property
    def baseline(self) -> Run:
        """The run that most checks look at: a budget of several epochs."""
        return self.run()

    def at_budget(self, epochs: float) -> Run:
        """Return the run with a budget of so many epochs, in which every sample is visited once."""
        if epochs not in self._by_budget:
            self._by_budget[epochs] = self.run(epochs=epochs)
        return self._by_budget[epochs]

    def reads(self, side: Literal["forget", "retain"]) -> bool:
        """Whether the method declares that it reads a set, in any epoch."""
        unlearner = self.make()
        phases = {phase for epoch in range(self.baseline.plan.epochs) for phase in unlearner.schedule(epoch)}
        return bool(phases & {side, "paired", "mixed"})

    def run(
        self,
        setting: Setting | None = None,
        *,
        epochs: float = EPOCHS,
        global_seed: int = 0,
        precision: Literal["32-true", "bf16-mixed"] = "32-true",
        eval_mode: bool = False,
        count_flops: bool = False,
        **overrides: Any,
    ) -> Run:
        """Run a fresh instance as the pipeline does, on the CPU.

        Args:
            setting: where; by default the one of this subject.
            epochs: the budget, in passes over all samples at the method's own dearest visit cost.
            global_seed: of the global random state.
            precision: of the trainer.
            eval_mode: hand the network over in eval mode.
            count_flops: count floating-point operations too.
            overrides: hyper-parameters.
        """
        setting = setting or self.setting
        with controlled(global_seed):
            unlearner = self.make(**overrides)
            original = setting.network().train(not eval_mode)
            forget, retain = setting.sets()
            passes = epochs * len(setting.target) * max(unlearner.visit.forget, unlearner.visit.retain)
            frozen = _remember_frozen(unlearner)
            before = global_state()
            flops = FlopCounterMode(display=False)
            with flops if count_flops else nullcontext():
                result = run_unlearner(
                    unlearner,
                    original,
                    forget,
                    retain,
                    passes=passes,
                    batch_size=BATCH_SIZE,
                    forget_batch_size=FORGET_BATCH_SIZE,
                    seed=0,
                    precision=precision,
                    accelerator="cpu",
                )
            after = global_state()
            run = Run(
                unlearner,
                _cloned(result.network),
                [name for name, _ in result.network.named_parameters()],
                _cloned(original),
                _shared(original, result.network),
                passes,
                result.ledger,
                result.plan,
                frozen,
                [name for name, value in before.items() if after[name] != value],
            )
            if count_flops:
                run.flops = float(flops.get_total_flops())
                run.charged_flops = result.ledger.passes * forward_flops(setting.network(), retain)
            return run


def differing(one: State, other: State) -> list[str]:
    """Return the names of the tensors of ``one`` that ``other`` does not have, or not with the same bits."""
    return [name for name in one if name not in other or not _same_bits(one[name], other[name])]


def _cloned(network: nn.Module) -> State:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _shared(original: nn.Module, network: nn.Module) -> list[str]:
    places = {tensor.untyped_storage().data_ptr() for tensor in original.state_dict().values()}
    state = network.state_dict()
    return [name for name, tensor in state.items() if tensor.untyped_storage().data_ptr() in places]


def _same_bits(one: Tensor, other: Tensor) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return torch.equal(*(tensor.detach().cpu().reshape(-1).view(torch.uint8) for tensor in (one, other)))


def _remember_frozen(unlearner: Unlearner) -> dict[str, Tensor]:
    """Return a mapping that ``setup`` fills with what may not move afterwards.

    That is every parameter without gradient, and the buffers of every module that is in eval mode or whose own
    parameters are all without gradient.
    """
    frozen: dict[str, Tensor] = {}
    setup = unlearner.setup

    def setup_and_look(stage: str | None = None) -> None:
        setup(stage)
        for prefix, module in unlearner.network.named_modules():
            parameters = dict(module.named_parameters(prefix, recurse=False))
            still = {name: parameter for name, parameter in parameters.items() if not parameter.requires_grad}
            tensors: dict[str, Tensor] = dict(still)
            if not module.training or (parameters and len(still) == len(parameters)):
                tensors |= dict(module.named_buffers(prefix, recurse=False))
            frozen.update({name: tensor.detach().clone() for name, tensor in tensors.items()})

    unlearner.setup = setup_and_look  # type: ignore[method-assign]
    return frozen
