"""Gradient matching: how alike two gradients of a network are, and how the inputs of one of them change that.

Networks are read only: everything is computed with detached parameters, in eval mode.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

Gradient = tuple[Tensor, ...]
"""One tensor per parameter of a network, in the order of ``named_parameters``; together they are one long vector."""


def require_eval(network: nn.Module) -> None:
    """Refuse a network in train mode, in which samples would mix and running statistics move.

    Raises:
        ValueError: if any module of ``network`` is in train mode.
    """
    if any(module.training for module in network.modules()):
        raise ValueError("network must be in eval mode: in train mode samples mix and running statistics move")


def loss_gradient(network: nn.Module, inputs: Tensor, target: Tensor, *, differentiable: bool = False) -> Gradient:
    """Return the gradient of the mean cross-entropy with respect to every parameter, frozen ones as well.

    Args:
        network: in eval mode; it is left as it is.
        inputs: ``(N, C, H, W)`` as the network eats them.
        target: ``(N,)`` int64 labels.
        differentiable: whether the result can be differentiated with respect to ``inputs``.

    Raises:
        ValueError: if the network is in train mode.
    """
    require_eval(network)
    with torch.enable_grad():
        parameters = {name: tensor.detach().requires_grad_() for name, tensor in network.named_parameters()}
        loss = F.cross_entropy(functional_call(network, parameters, (inputs,)), target)
        return torch.autograd.grad(loss, tuple(parameters.values()), create_graph=differentiable)


def matching_loss(gradient: Gradient, target_gradient: Gradient) -> Tensor:
    """Return 1 - <g, t> / (|g| |t|), a scalar in [0, 2], over all parameters taken as one vector.

    A gradient that is exactly zero has no direction and gives 1.

    Source: Geiping et al., ICLR 2021, equation 3.
    """
    pairs = list(zip(gradient, target_gradient, strict=True))
    dot = torch.stack([(ours * theirs).sum() for ours, theirs in pairs]).sum()
    squares = [torch.stack([(pair[side] ** 2).sum() for pair in pairs]).sum() for side in (0, 1)]
    norms = [square.clamp_min(torch.finfo(square.dtype).tiny).sqrt() for square in squares]
    loss: Tensor = 1 - dot / (norms[0] * norms[1])
    return loss


def matching_value(network: nn.Module, inputs: Tensor, target: Tensor, target_gradient: Gradient) -> float:
    """Return the matching loss of one batch of poisons."""
    return float(matching_loss(loss_gradient(network, inputs, target), target_gradient))


def matching_gradient(
    networks: Sequence[nn.Module], inputs: Tensor, target: Tensor, target_gradients: Sequence[Gradient]
) -> tuple[float, Tensor]:
    """Return the matching loss of one batch of poisons and its gradient with respect to ``inputs``.

    Args:
        networks: one surrogate, or an ensemble over which loss and gradient are averaged; each in eval mode.
        inputs: ``(B, C, H, W)`` poisons; a leaf or part of a graph, it makes no difference.
        target: ``(B,)`` int64, the labels of the poisons.
        target_gradients: for each network the gradient that is to be matched.

    Returns:
        The loss, and ``(B, C, H, W)``. The average over several batches is not taken: a batch is one cosine.

    Raises:
        ValueError: if a network is in train mode.

    Source: Geiping et al., ICLR 2021, algorithm 1 (by double backward).
    """
    total, value = torch.zeros_like(inputs), 0.0
    for network, target_gradient in zip(networks, target_gradients, strict=True):
        leaf = inputs.detach().requires_grad_()
        with torch.enable_grad():
            loss = matching_loss(loss_gradient(network, leaf, target, differentiable=True), target_gradient)
            (gradient,) = torch.autograd.grad(loss, leaf)
        total += gradient / len(networks)
        value += float(loss.detach()) / len(networks)
    return value, total


def step_milestones(steps: int) -> list[int]:
    """Return the steps after which the step size falls to a tenth: at 3/8, 5/8 and 7/8 of the way.

    Source: Geiping et al., ICLR 2021: 94, 156 and 219 of 250.
    """
    return sorted({max(1, round(steps * eighths / 8)) for eighths in (3, 5, 7)})


def gradient_norms(networks: Sequence[nn.Module], inputs: Tensor, target: Tensor) -> Tensor:
    """Return for each sample the norm of its own parameter gradient, averaged over ``networks``: ``(N,)`` float32.

    One sample at a time, so that memory does not grow with N.
    """
    norms = torch.zeros(len(inputs))
    for network in networks:
        for row in range(len(inputs)):
            gradient = loss_gradient(network, inputs[row : row + 1], target[row : row + 1])
            norms[row] += float(torch.stack([part.norm() for part in gradient]).norm()) / len(networks)
    return norms


@torch.no_grad()
def outputs(network: nn.Module, inputs: Tensor, batch_size: int = 256) -> Tensor:
    """Return the logits ``(N, num_classes)`` float32 on the CPU."""
    require_eval(network)
    return torch.cat([network(inputs[rows]).float().cpu() for rows in batches(len(inputs), batch_size)])


@torch.no_grad()
def features(network: nn.Module, inputs: Tensor, batch_size: int = 256) -> Tensor:
    """Return what the last linear layer is fed, ``(N, F)`` float32 on the CPU.

    Raises:
        ValueError: if the network has no linear layer, or is in train mode.
    """
    require_eval(network)
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError("features are read before the last linear layer, and the network has none")
    seen: list[Tensor] = []
    handle = linear[-1].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].float().cpu()))
    try:
        for rows in batches(len(inputs), batch_size):
            network(inputs[rows])
    finally:
        handle.remove()
    return torch.cat(seen)


def batches(total: int, batch_size: int) -> Iterator[slice]:
    """Cut ``total`` rows into slices of at most ``batch_size``, in order; the last, smaller one is kept."""
    for start in range(0, total, batch_size):
        yield slice(start, min(start + batch_size, total))
