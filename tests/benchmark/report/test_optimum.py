"""Optima against sklearn and closed forms; shifts against what removal really does."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmark.report.optimum import Factor, Ridge, Softmax, cosine, minimise, outside_span, removal_influence


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 6))
    target = np.argmax(inputs[:, :3] + rng.normal(size=(200, 3)), axis=1)
    return inputs, target


@pytest.fixture
def softmax(data):
    return Softmax(*data, 3, 2.0)


def test_the_optimum_is_that_of_sklearn(data, softmax):
    theta, _ = minimise(softmax, np.zeros((6, 3)))
    other = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=10000).fit(*data)
    assert theta == pytest.approx(other.coef_.T, abs=1e-5)
    start = np.linalg.norm(softmax.gradient(np.zeros((6, 3))))
    assert np.linalg.norm(softmax.gradient(theta)) <= 1e-8 * start


def test_it_is_found_from_a_bad_start_and_a_foreign_factor(softmax):
    theta, factor = minimise(softmax, np.zeros((6, 3)))
    far = np.random.default_rng(1).normal(size=(6, 3)) * 30
    assert minimise(softmax, far, factor)[0] == pytest.approx(theta, abs=1e-6)
    with pytest.raises(RuntimeError, match="no optimum within 200 steps"):
        minimise(Broken(softmax.inputs, softmax.target, 3, 2.0), far)


class Broken(Softmax):
    """Its gradient leads nowhere."""

    def gradient(self, theta):
        return super().gradient(theta) + np.random.default_rng().normal(size=theta.shape)


@pytest.mark.parametrize("kind", ["softmax", "ridge"])
def test_derivatives_are_those_of_differences(data, kind):
    inputs, target = data
    objective = Softmax(inputs, target, 3, 2.0) if kind == "softmax" else Ridge(inputs, np.eye(3)[target], 2.0)
    rng = np.random.default_rng(2)
    theta, way = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    step = 1e-5
    slope = (objective.value(theta + step * way) - objective.value(theta - step * way)) / (2 * step)
    assert np.sum(objective.gradient(theta) * way) == pytest.approx(slope, rel=1e-6)
    bend = (objective.gradient(theta + step * way) - objective.gradient(theta - step * way)) / (2 * step)
    assert (objective.hessian(theta) @ way.ravel()).reshape(6, 3) == pytest.approx(bend, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("width", [6, 300])
def test_ridge_regression_is_least_squares_with_rows_of_penalty(data, width):
    _, target = data
    inputs, outputs = np.random.default_rng(3).normal(size=(200, width)), np.eye(3)[target]
    stacked = np.concatenate([inputs, np.sqrt(0.7) * np.eye(width)])
    expected = np.linalg.lstsq(stacked, np.concatenate([outputs, np.zeros((width, 3))]), rcond=None)[0]
    assert Ridge(inputs, outputs, 0.7).optimum() == pytest.approx(expected, abs=1e-9)


def test_the_newton_step_is_the_whole_shift_of_a_quadratic(data):
    inputs, target = data
    outputs = np.eye(3)[target]
    whole, rest = Ridge(inputs, outputs, 0.5), Ridge(inputs[30:], outputs[30:], 0.5)
    shift = rest.optimum() - whole.optimum()
    assert rest.newton_step(whole.optimum()) == pytest.approx(shift, abs=1e-10)
    assert cosine(rest.newton_step(whole.optimum()), shift) == pytest.approx(1, abs=1e-12)
    gradient = -rest.gradient(whole.optimum())
    curvature = inputs[30:].T @ inputs[30:] + 0.5 * np.eye(6)
    moved = curvature @ shift
    expected = np.sum(shift * moved) / (np.linalg.norm(shift) * np.linalg.norm(moved))
    assert cosine(gradient, shift) == pytest.approx(expected, abs=1e-10)
    assert minimise(whole, np.zeros((6, 3)))[0] == pytest.approx(whole.optimum(), abs=1e-8)


def test_influence_is_what_removing_one_sample_does_to_first_order(data, softmax):
    inputs, target = data
    theta, _ = minimise(softmax, np.zeros((6, 3)))
    after, _ = minimise(Softmax(inputs[1:], target[1:], 3, 2.0), theta)
    removed = Softmax(inputs[:1], target[:1], 3, 0.0).gradient(theta)
    estimate = removal_influence(Factor(softmax, theta), removed)
    assert np.linalg.norm(estimate - (after - theta)) < 0.1 * np.linalg.norm(after - theta)


def test_the_share_outside_a_span():
    inputs = np.array([[1.0, 0, 0], [2.0, 0, 0], [0, 1.0, 0]])
    assert outside_span(np.array([[0.0], [0], [2]]), inputs) == pytest.approx(1)
    assert outside_span(np.array([[1.0], [5], [0]]), inputs) == pytest.approx(0, abs=1e-12)
    assert outside_span(np.array([[3.0], [0], [4]]), inputs) == pytest.approx(16 / 25)
    assert cosine(np.zeros(2), np.ones(2)) == 0
