"""Shifts and cosines on samples whose answers are known by other means."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmark.report.convex import FEW, FRACTIONS, PENALTY, Set, alignments_of, few, optimum, projected, shifts_of

AT = ("toy-v1", "gaussian", 3)


def a_set(count=400, width=8, leaving=40, seed=0):
    rng = np.random.default_rng(seed)
    inputs = np.concatenate([rng.normal(size=(count, width - 1)), np.ones((count, 1))], axis=1)
    target = np.argmax(inputs[:, :3] + rng.normal(size=(count, 3)), axis=1)
    rows = rng.permutation(count)[:leaving]
    target[rows] = (target[rows] + 1) % 3  # these hurt
    return Set(inputs, target, rows, 3)


def solved(inputs, target):
    model = LogisticRegression(C=1 / PENALTY, fit_intercept=False, tol=1e-10, max_iter=10000)
    return model.fit(inputs, target).coef_.T


def test_shifts_are_those_between_the_optima_of_sklearn():
    one = a_set()
    shifts, goal = shifts_of(one, optimum(one), "poison", AT)
    assert [shift.fraction for shift in shifts] == list(FRACTIONS)
    assert [shift.count for shift in shifts] == [4, 10, 20, 40]
    before = solved(one.inputs, one.target)
    for shift in shifts:
        stay = np.setdiff1d(np.arange(400), one.leaving[: shift.count])
        expected = np.abs(solved(one.inputs[stay], one.target[stay]) - before).sum()
        assert shift.exact == pytest.approx(expected, rel=1e-3)
    assert goal == pytest.approx(solved(one.without(one.leaving).inputs, one.without(one.leaving).target), abs=1e-4)
    assert shifts[0].influence == pytest.approx(shifts[0].exact, rel=0.1)
    assert shifts[-1].influence < shifts[-1].exact


def test_a_start_nearby_gives_the_same_optimum():
    one, other = a_set(), a_set(seed=1)
    assert optimum(one, optimum(other)).theta == pytest.approx(optimum(one).theta, abs=1e-6)


def test_cosines_by_regime():
    one, raw = a_set(), a_set(count=1000, width=400, leaving=100)
    start = optimum(one)
    _, goal = shifts_of(one, start, "poison", AT)
    found = {row.regime: row for row in alignments_of(one, raw, (start.theta, goal), "poison", AT)}
    assert list(found) == ["logistic, n > d", "linear, n > d", "linear, n < d"]
    assert found["linear, n > d"].newton == pytest.approx(1, abs=1e-9)
    assert found["linear, n < d"].newton == pytest.approx(1, abs=1e-6)
    assert 0.9 < found["logistic, n > d"].newton < 1
    assert found["linear, n > d"].outside is None
    assert found["linear, n < d"].outside > 0.99  # interpolation: the rest is fitted before and after
    assert abs(found["linear, n < d"].gradient) < 0.1
    assert found["linear, n > d"].gradient == pytest.approx(_gradient_cosine(one), abs=1e-5)


def _gradient_cosine(one):
    outputs = np.eye(3)[one.target]
    stay = np.setdiff1d(np.arange(400), one.leaving)
    before = np.linalg.lstsq(one.inputs, outputs, rcond=None)[0]
    after = np.linalg.lstsq(one.inputs[stay], outputs[stay], rcond=None)[0]
    step = one.inputs[stay].T @ (outputs[stay] - one.inputs[stay] @ before)
    return np.sum(step * (after - before)) / np.linalg.norm(step) / np.linalg.norm(after - before)


def test_few_samples_keep_the_share_that_leaves():
    some = few(a_set(count=1000, width=600, leaving=100), 0)
    assert some.inputs.shape == (FEW, 601)
    assert len(some.leaving) == round(FEW / 10)
    assert few(a_set(count=1000, width=100, leaving=100), 0).inputs.shape == (50, 101)
    assert np.mean(np.sum(some.inputs[:, :-1] ** 2, axis=1)) == pytest.approx(1, rel=0.1)


def test_projection_is_on_the_components_of_the_clean_set():
    rng = np.random.default_rng(0)
    clean = Set(rng.normal(size=(500, 80)) * np.linspace(9, 1, 80), np.zeros(500, dtype=np.int64), np.arange(5), 2)
    seen = projected(clean, clean)
    assert seen.inputs.shape == (500, 65)
    spread = np.std(seen.inputs[:, :-1], axis=0, ddof=1)
    assert spread[0] == pytest.approx(1)
    assert (np.diff(spread) < 1e-12).all()
    assert (seen.inputs[:, -1] == 1).all()
