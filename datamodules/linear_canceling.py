"""Gradient canceling where it is exact: a linear softmax head with an L2 penalty on free features, in float64.

Training minimises the mean cross-entropy of n clean samples and p poisons plus ``decay / 2 * ||W||^2``, which has one
minimum. W ``(K, d)`` is that minimum when ``R + sum_i (softmax(W x_i) - e_{y_i}) x_i^T = 0``, where R holds the clean
samples and the penalty. What a poison adds along W depends on its logits only, ``<softmax(z) - e_y, z>``, which is
never below ``-lambert((K - 1) / e)``: so p poisons reach W only if ``<R, W> <= p * lambert((K - 1) / e)``. Across W
there is no such bound: a sample taken for one class and labelled another adds as much as its features are large.
There is no bias: a feature that is 1 in every poison would bound p further.

Source: Lu, Kamath, Yu, ICML 2023 (the threshold); the solution in logits is ours.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.special import lambertw
from torch import Tensor

TOLERANCE = 1e-12


@dataclass(frozen=True)
class LinearPoisons:
    """Poisons for a linear head.

    Attributes:
        inputs: ``(P, d)`` float64 features.
        target: ``(P,)`` int64 labels.
        remaining: norm of what is left of R, relative to the norm of R.
    """

    inputs: Tensor
    target: Tensor
    remaining: float


def most_canceled(num_classes: int) -> float:
    """Return the most that one sample can take off ``<R, W>``: 0.278 for 2 classes, 1.101 for 10."""
    return float(lambertw((num_classes - 1) / math.e).real)


def head_gradient(weight: Tensor, inputs: Tensor, target: Tensor) -> Tensor:
    """Return the gradient ``(K, d)`` of the summed cross-entropy of ``inputs @ weight.T``."""
    wrong = (inputs @ weight.T).softmax(1) - F.one_hot(target, len(weight))
    return wrong.T @ inputs


def head_to_cancel(weight: Tensor, inputs: Tensor, target: Tensor, *, decay: float, count: int) -> Tensor:
    """Return R ``(K, d)`` for ``count`` poisons that are added to the clean samples."""
    return head_gradient(weight, inputs, target) + decay * (len(inputs) + count) * weight


def smallest_count(weight: Tensor, inputs: Tensor, target: Tensor, *, decay: float) -> float:
    """Return the number of added poisons below which ``weight`` cannot be reached; below 0 it binds nothing."""
    penalty = decay * weight.square().sum()
    clean = (head_gradient(weight, inputs, target) * weight).sum() + len(inputs) * penalty
    gain = most_canceled(len(weight)) - float(penalty)
    return float(clean) / gain if gain > 0 else math.inf


def cancel(
    weight: Tensor,
    clean: Tensor,
    count: int,
    generator: torch.Generator,
    *,
    tolerance: float = TOLERANCE,
    rounds: int = 40,
) -> LinearPoisons:
    """Find features and labels of ``count`` poisons that cancel ``clean`` at ``weight``.

    First the logits: K x K equations, by Levenberg-Marquardt, in which idle poisons are moved to where they help most.
    Then what is orthogonal to the rows of ``weight``, which the logits do not see: linear least squares.

    Args:
        weight: ``(K, d)`` float64 target parameters, d >= K, whose columns add up to 0.
        clean: ``(K, d)`` float64, see :func:`head_to_cancel`.
        count: number of poisons.
        generator: draws where the logits start.
        tolerance: relative norm at which the logits are good enough.
        rounds: how often idle poisons are moved.
    """
    logits, labels = _logits(-clean @ weight.T, count, generator, tolerance, rounds)
    inverse = torch.linalg.pinv(weight)
    seen = logits @ inverse.T
    wrong = logits.softmax(1) - F.one_hot(labels, len(weight))
    unseen = torch.eye(weight.shape[1], dtype=weight.dtype) - inverse @ weight
    inputs = seen + torch.linalg.pinv(wrong.T) @ ((-clean - wrong.T @ seen) @ unseen)
    left = (clean + head_gradient(weight, inputs, labels)).norm() / clean.norm()
    return LinearPoisons(inputs, labels, float(left))


def _logits(
    wanted: Tensor, count: int, generator: torch.Generator, tolerance: float, rounds: int
) -> tuple[Tensor, Tensor]:
    """Return logits ``(count, K)`` and labels for which ``sum_i (softmax(z_i) - e_{y_i}) z_i^T`` is ``wanted``."""
    classes = len(wanted)
    labels = torch.arange(count) % classes
    logits = torch.randn(count, classes, generator=generator, dtype=wanted.dtype) + 2 * F.one_hot(labels, classes)
    best = (logits, labels)
    least = math.inf
    for _ in range(rounds):
        logits, left = _levenberg_marquardt(logits, labels, wanted, tolerance)
        wrong = logits.softmax(1) - F.one_hot(labels, classes)
        if float(left.norm()) < least:
            best, least = (logits.clone(), labels.clone()), float(left.norm())
        if least <= tolerance * float(wanted.norm()):
            break
        helpful = _helpful(left)
        for place, row in enumerate(wrong.norm(dim=1).argsort()[: max(1, count // 20)].tolist()):
            labels[row], logits[row] = helpful[place % len(helpful)]
            logits[row] += 0.1 * torch.randn(classes, generator=generator, dtype=wanted.dtype)
    return best


def _levenberg_marquardt(logits: Tensor, labels: Tensor, wanted: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """Return better logits and what they leave of ``wanted``, by least steps that solve the linearised equations."""
    classes = len(wanted)
    one_hot = F.one_hot(labels, classes)
    identity = torch.eye(classes, dtype=wanted.dtype)
    centre = identity - 1 / classes

    def left_by(moved: Tensor) -> Tensor:
        return (moved.softmax(1) - one_hot).T @ moved - wanted

    logits = logits @ centre
    left, damping, norms = left_by(logits), 1e-2, [math.inf] * 10
    while norms[-1] > tolerance * wanted.norm() and (len(norms) < 26 or norms[-1] < 0.97 * norms[-10]):
        share = logits.softmax(1)
        slope = torch.diag_embed(share) - share.unsqueeze(2) * share.unsqueeze(1)
        jacobian = torch.einsum("ikj,il->iklj", slope, logits)
        jacobian = jacobian + torch.einsum("ik,lj->iklj", share - one_hot, identity)
        flat = (jacobian @ centre).flatten(1, 2).transpose(0, 1).flatten(1)
        square = flat @ flat.T
        scale = square.diagonal().mean() * torch.eye(len(square), dtype=wanted.dtype)
        while damping < 1e8:
            step = flat.T @ torch.linalg.solve(square + damping * scale, left.flatten())
            moved = logits - step.view_as(logits)
            if left_by(moved).norm() < left.norm():
                logits, left, damping = moved, left_by(moved), max(damping / 5, 1e-14)
                break
            damping *= 4
        else:
            break
        norms.append(float(left.norm()))
    return logits, left


def _helpful(left: Tensor, size: float = 4.0, number: int = 4) -> list[tuple[int, Tensor]]:
    """Return labels and logits whose gradients point most against ``left``: taken for one class, labelled another."""
    classes = len(left)
    found = []
    for taken in range(classes):
        for label in range(classes):
            logits = torch.where(left[taken] < left[label], size - 2, -size).to(left.dtype)
            logits[taken], logits[label] = size + 1, size
            logits -= logits.mean()
            wrong = logits.softmax(0)
            wrong[label] -= 1
            if taken != label:
                found.append((float(wrong @ left @ logits / logits.norm()), label, logits))
    found.sort(key=lambda atom: atom[0])
    return [(label, logits) for _, label, logits in found[:number]]
