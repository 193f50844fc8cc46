"""Gradient canceling: target parameters, the gradient that is left there, and how pixels change it.

Every gradient is one of a *sum* of cross-entropies, in eval mode, with respect to some named parameters of a network.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from datamodules.gradient_matching import Gradient, batches, require_eval

Batches = Callable[[], Iterator[tuple[Tensor, Tensor]]]
"""Goes once over a training set, in batches of inputs ``(B, C, H, W)`` and labels ``(B,)``."""


def layer_parameters(network: nn.Module, layer: str) -> list[str]:
    """Return the names of the parameters of one module and of those within it; ``all`` stands for the network.

    Raises:
        ValueError: if ``layer`` names no module that has parameters.
    """
    names = [name for name, _ in network.named_parameters() if layer == "all" or name.startswith(f"{layer}.")]
    if not names:
        known = [name for name, module in network.named_modules() if name and any(True for _ in module.parameters())]
        raise ValueError(f"layer must be 'all' or one of {', '.join(known)}, got {layer!r}")
    return names


def norm_of(gradient: Gradient) -> float:
    """Return the Euclidean norm of a gradient taken as one long vector."""
    return float(torch.stack([part.norm() for part in gradient]).norm())


def summed_gradient(
    network: nn.Module, names: Sequence[str], inputs: Tensor, target: Tensor, *, differentiable: bool = False
) -> Gradient:
    """Return the gradient of the summed cross-entropy of one batch with respect to the parameters ``names``.

    Args:
        network: in eval mode; it is left as it is.
        names: what is differentiated, in this order.
        inputs: ``(B, C, H, W)`` as the network eats them.
        target: ``(B,)`` int64 labels.
        differentiable: whether the result can be differentiated with respect to ``inputs``.

    Raises:
        ValueError: if the network is in train mode.
    """
    require_eval(network)
    with torch.enable_grad():
        everything = {name: tensor.detach() for name, tensor in network.named_parameters()}
        chosen = {name: everything[name].requires_grad_() for name in names}
        logits = functional_call(network, everything | chosen, (inputs,))
        loss = F.cross_entropy(logits, target, reduction="sum")
        return torch.autograd.grad(loss, tuple(chosen.values()), create_graph=differentiable)


def total_gradient(network: nn.Module, names: Sequence[str], samples: Batches) -> Gradient:
    """Return :func:`summed_gradient` over all batches of ``samples``."""
    parameters = dict(network.named_parameters())
    total = [torch.zeros_like(parameters[name]) for name in names]
    for inputs, target in samples():
        for number, part in enumerate(summed_gradient(network, names, inputs, target)):
            total[number] += part
    return tuple(total)


@torch.no_grad()
def ascend(network: nn.Module, names: Sequence[str], samples: Batches, *, target_norm: float, steps: int) -> None:
    """Move the parameters ``names`` in place to where the clean loss is high: GradPC.

    Each step goes ``target_norm / steps * 2`` along the normalised gradient of the loss and is then put back into the
    ball of radius ``target_norm`` around the start.

    Args:
        network: in eval mode.
        names: what is moved.
        samples: the clean training set.
        target_norm: largest Euclidean norm of the whole move.
        steps: gradient steps, each over all samples.

    Source: Lu, Kamath, Yu, ICML 2023; gradient-based parameter corruption (Sun et al., AAAI 2021).
    """
    parameters = [dict(network.named_parameters())[name] for name in names]
    start = [parameter.clone() for parameter in parameters]
    for _ in range(steps):
        gradient = total_gradient(network, names, samples)
        length = 2 * target_norm / (steps * max(norm_of(gradient), torch.finfo(torch.float32).tiny))
        moved = [now + length * part - first for now, part, first in zip(parameters, gradient, start, strict=True)]
        shrink = min(1.0, target_norm / max(norm_of(tuple(moved)), torch.finfo(torch.float32).tiny))
        for parameter, first, move in zip(parameters, start, moved, strict=True):
            parameter.copy_(first + shrink * move)


def gradient_to_cancel(
    network: nn.Module, names: Sequence[str], samples: Batches, *, weight_decay: float, total: int
) -> Gradient:
    """Return what the poisons' summed gradient has to be minus: loss of the clean samples, and the L2 penalty.

    Training minimises the mean loss over ``total`` samples plus ``weight_decay / 2 * ||parameters||^2``; its gradient,
    times ``total``, is the result plus the poisons' summed gradient.
    """
    parameters = dict(network.named_parameters())
    clean = total_gradient(network, names, samples)
    return tuple(
        part + weight_decay * total * parameters[name].detach() for name, part in zip(names, clean, strict=True)
    )


def remaining_gradient(
    network: nn.Module, names: Sequence[str], wanted: Gradient, inputs: Tensor, target: Tensor, batch_size: int
) -> Gradient:
    """Return ``wanted`` plus the summed gradient of the poisons ``inputs`` ``(P, C, H, W)``, ``target`` ``(P,)``."""

    def samples() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in batches(len(inputs), batch_size):
            yield inputs[rows], target[rows]

    poisons = total_gradient(network, names, samples)
    return tuple(part + more for part, more in zip(wanted, poisons, strict=True))


def canceling_gradient(
    network: nn.Module, names: Sequence[str], remaining: Gradient, inputs: Tensor, target: Tensor
) -> Tensor:
    """Return the gradient ``(B, C, H, W)`` of half the squared norm of ``remaining`` with respect to some poisons.

    ``remaining`` is that of all poisons; a batch of them needs no more of the others, so that memory does not grow with
    their number.
    """
    leaf = inputs.detach().requires_grad_()
    with torch.enable_grad():
        gradient = summed_gradient(network, names, leaf, target, differentiable=True)
        pull = torch.stack([(ours * rest).sum() for ours, rest in zip(gradient, remaining, strict=True)]).sum()
        (moved,) = torch.autograd.grad(pull, leaf)
    return moved
