"""What happens to the weights."""

import torch

from benchmark.conformance.check import check, demand
from benchmark.conformance.subject import Subject, differing


def _is_unlearner(subject: Subject) -> bool:
    return subject.unlearner_class.kind == "unlearner"


@check(applies=_is_unlearner)
def moves_weights(subject: Subject) -> None:
    """At least one parameter, not only a running statistic, is not as before."""
    run = subject.baseline
    parameters = {name: run.after[name] for name in run.parameters}
    demand(
        bool(differing(parameters, subject.setting.weights)),
        "no parameter moves: does the optimizer hold the parameters of self.network?",
    )


@check()
def keeps_names_shapes_and_dtypes(subject: Subject) -> None:
    """The state dict of the unlearned network can be loaded into a network of the same kind."""
    before, after = subject.setting.weights, subject.baseline.after
    changed = sorted(before.keys() ^ after.keys())
    demand(not changed, f"the state dict must keep its keys; added or lost: {', '.join(changed)}")
    for name, value in before.items():
        demand(
            after[name].shape == value.shape and after[name].dtype == value.dtype,
            f"{name} must stay {tuple(value.shape)} of {value.dtype}, "
            f"it became {tuple(after[name].shape)} of {after[name].dtype}",
        )


@check()
def stays_finite(subject: Subject) -> None:
    """No weight is infinite or NaN at the settings the method is checked with."""
    values = subject.baseline.after.items()
    broken = [name for name, value in values if not bool(torch.isfinite(value).all())]
    demand(not broken, f"{', '.join(broken[:3])} end up infinite or NaN at these settings; use a smaller step")


@check()
def leaves_the_original_untouched(subject: Subject) -> None:
    """The network that was handed in has the same bits afterwards, buffers included."""
    changed = differing(subject.setting.weights, subject.baseline.original)
    demand(not changed, f"{', '.join(changed[:3])} of the network handed in were edited; edit self.network only")


@check()
def shares_no_storage_with_the_original(subject: Subject) -> None:
    """No tensor of the unlearned network lies in the memory of the network that was handed in."""
    shared = subject.baseline.shared
    demand(not shared, f"{', '.join(shared[:3])} share memory with the network handed in; copy with copy.deepcopy")


@check()
def frozen_stays_frozen(subject: Subject) -> None:
    """What is frozen after setup() does not move, bit for bit: parameters, and buffers of frozen modules."""
    moved = differing(subject.baseline.frozen, subject.baseline.after)
    demand(
        not moved,
        f"{', '.join(moved[:3])} move although they are frozen: leave them out of the optimizer and of any update by "
        "hand (weight decay!), and put frozen batch normalisation in eval mode",
    )
