"""Optima of convex models, and how far they move when samples are removed: float64, solved to the end.

Models are matrices ``(D, K)``, D features (a column of ones for the bias is the caller's) and K classes or outputs.
Objectives are sums over samples plus ``penalty / 2 * ||theta||^2``, so that removing samples leaves the penalty alone.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_softmax, softmax

from benchmark.report.roc import FloatArray

TOLERANCE = 1e-8
"""Largest norm of the gradient at an optimum, as a share of the norm at zero."""

MAX_STEPS = 200


class Objective(Protocol):
    """Something convex to be minimised."""

    def value(self, theta: FloatArray) -> float:
        """Return the objective at ``theta`` ``(D, K)``."""
        ...

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return its gradient ``(D, K)``."""
        ...

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return its Hessian ``(DK, DK)`` over ``theta`` flattened row by row."""
        ...


@dataclass(frozen=True)
class Softmax:
    """Multinomial logistic regression.

    Attributes:
        inputs: ``(N, D)``.
        target: ``(N,)`` integers in 0..K-1.
        classes: K.
        penalty: weight of the L2 term, positive.
    """

    inputs: FloatArray
    target: np.typing.NDArray[np.int64]
    classes: int
    penalty: float

    def value(self, theta: FloatArray) -> float:
        """Return the sum of cross-entropies in nats plus the penalty."""
        chosen = log_softmax(self.inputs @ theta, axis=1)[np.arange(len(self.target)), self.target]
        return float(-chosen.sum() + self.penalty / 2 * np.sum(theta**2))

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient ``(D, K)``."""
        error = softmax(self.inputs @ theta, axis=1)
        error[np.arange(len(self.target)), self.target] -= 1
        return np.asarray(self.inputs.T @ error + self.penalty * theta)

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return the Hessian ``(DK, DK)``."""
        chances = softmax(self.inputs @ theta, axis=1)
        width = self.inputs.shape[1]
        blocks = np.empty((width, self.classes, width, self.classes))
        for one in range(self.classes):
            for other in range(one, self.classes):
                weight = chances[:, one] * ((one == other) - chances[:, other])
                block = (self.inputs * weight[:, None]).T @ self.inputs
                blocks[:, one, :, other] = blocks[:, other, :, one] = block
        size = width * self.classes
        return np.asarray(blocks.reshape(size, size) + self.penalty * np.eye(size))


@dataclass(frozen=True)
class Ridge:
    """Linear regression with an L2 penalty, half the squared error.

    Attributes:
        inputs: ``(N, D)``.
        outputs: ``(N, K)``.
        penalty: weight of the L2 term, positive.
    """

    inputs: FloatArray
    outputs: FloatArray
    penalty: float

    def value(self, theta: FloatArray) -> float:
        """Return half the squared error plus the penalty."""
        return float(np.sum((self.inputs @ theta - self.outputs) ** 2) / 2 + self.penalty / 2 * np.sum(theta**2))

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient ``(D, K)``."""
        return np.asarray(self.data_gradient(theta) + self.penalty * theta)

    def data_gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient ``(D, K)`` of the squared error alone."""
        return np.asarray(self.inputs.T @ (self.inputs @ theta - self.outputs))

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return the Hessian ``(DK, DK)``, the same everywhere."""
        return np.asarray(np.kron(self._curvature(), np.eye(theta.shape[1])), dtype=np.float64)

    def optimum(self) -> FloatArray:
        """Return the optimum ``(D, K)`` in closed form, by the smaller of the two systems of equations."""
        count, width = self.inputs.shape
        if width <= count:
            return np.asarray(np.linalg.solve(self._curvature(), self.inputs.T @ self.outputs))
        gram = self.inputs @ self.inputs.T + self.penalty * np.eye(count)
        return np.asarray(self.inputs.T @ np.linalg.solve(gram, self.outputs))

    def newton_step(self, theta: FloatArray) -> FloatArray:
        """Return ``-H^-1 grad`` ``(D, K)``: for a quadratic objective the way to its optimum."""
        return np.asarray(-np.linalg.solve(self._curvature(), self.gradient(theta)))

    def _curvature(self) -> FloatArray:
        return np.asarray(self.inputs.T @ self.inputs + self.penalty * np.eye(self.inputs.shape[1]))


class Factor:
    """A factorised Hessian.

    Args:
        objective: whose.
        theta: ``(D, K)``, where.
    """

    def __init__(self, objective: Objective, theta: FloatArray) -> None:
        self._factor = cho_factor(objective.hessian(theta), lower=True, overwrite_a=True, check_finite=False)

    def step(self, gradient: FloatArray) -> FloatArray:
        """Return ``-H^-1 gradient`` ``(D, K)``."""
        return np.asarray(-cho_solve(self._factor, gradient.ravel(), check_finite=False).reshape(gradient.shape))


def minimise(objective: Objective, start: FloatArray, factor: Factor | None = None) -> tuple[FloatArray, Factor]:
    """Return the optimum ``(D, K)`` and the last factorised Hessian.

    Newton's method, halving a step that does not lower the objective, which keeps its factor for as long as a step
    makes the gradient smaller by a third: a Hessian costs as much as dozens of gradients, and one from nearby does.

    Args:
        objective: strictly convex.
        start: ``(D, K)``, where to begin.
        factor: a Hessian from nearby, if there is one.

    Raises:
        RuntimeError: if the gradient is not within the tolerance after 200 steps.
    """
    theta, gradient = start, objective.gradient(start)
    goal = TOLERANCE * float(np.linalg.norm(objective.gradient(np.zeros_like(start))))
    for _ in range(MAX_STEPS):
        size = float(np.linalg.norm(gradient))
        if size <= goal:
            return theta, factor or Factor(objective, theta)
        fresh = factor is None
        factor = factor or Factor(objective, theta)
        moved = _lowered(objective, theta, factor.step(gradient)) if fresh else theta + factor.step(gradient)
        after = objective.gradient(moved)
        better = float(np.linalg.norm(after)) <= size / 1.5
        if fresh or better:
            theta, gradient = moved, after
        if not better:
            factor = None
    raise RuntimeError(f"no optimum within {MAX_STEPS} steps: gradient {size:g}, wanted {goal:g}")


def _lowered(objective: Objective, theta: FloatArray, step: FloatArray) -> FloatArray:
    value, share = objective.value(theta), 1.0
    while share > 1e-6 and not objective.value(theta + share * step) <= value + 1e-12 * abs(value):
        share /= 2
    return np.asarray(theta + share * step)


def removal_influence(factor: Factor, gradient_of_removed: FloatArray) -> FloatArray:
    """Return the influence function's estimate ``(D, K)`` of the shift when samples are removed.

    It is one Newton step with the Hessian of all samples: ``H^-1`` times the summed gradients of the removed ones.

    Source: P. W. Koh, P. Liang, ICML 2017.
    """
    return -factor.step(gradient_of_removed)


def cosine(one: FloatArray, other: FloatArray) -> float:
    """Return the cosine between two shifts of any shape; 0 where one of them is zero."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.sum(one * other) / size) if size > 0 else 0.0


def outside_span(shift: FloatArray, inputs: FloatArray) -> float:
    """Return the share of the squared ``shift`` ``(D, K)`` outside the span of the rows of ``inputs`` ``(N, D)``.

    A gradient on these samples lies in the span: no number of steps on them removes what lies outside.
    """
    _, values, rows = np.linalg.svd(inputs, full_matrices=False)
    basis = rows[values > values.max() * max(inputs.shape) * np.finfo(np.float64).eps]
    inside = float(np.sum((basis @ shift) ** 2))
    return max(0.0, 1 - inside / float(np.sum(shift**2)))
