"""The parts that checks are made of."""

import logging
import random
from typing import Literal

import numpy as np
import pytest
import torch

from benchmark.conformance.hyperparameters import HyperParameter
from benchmark.conformance.setting import digits, four_classes, other_images, without_batch_norm
from benchmark.conformance.subject import differing
from benchmark.conformance.surroundings import controlled, global_state


@pytest.mark.parametrize(
    ("annotation", "value", "others"),
    [
        (bool, True, [False]),
        (int, 3, [4, 2, 6]),
        (int, 0, [1, -1]),
        (float, 0.01, [0.02, 0.005]),
        (float, 0.0, [0.5, 0.05]),
        (int | None, None, [1, 2]),
        (int | None, 5, [6, 4, 10]),
        (float | None, None, [0.5, 0.05]),
        (Literal["a", "b", "c"], "b", ["a", "c"]),
        (Literal["a"] | None, None, ["a"]),
        (str, "plain", []),
    ],
)
def test_other_values_of_a_hyperparameter(annotation, value, others):
    assert HyperParameter("x", annotation, value, keyword_only=True).others(value) == others


@pytest.mark.parametrize(
    ("annotation", "scalar"),
    [(int | None, True), (Literal["a", 1], True), (str, True), (list[int], False), (None, False), (int | dict, False)],
)
def test_scalars_are_told_from_what_a_configuration_cannot_hold(annotation, scalar):
    assert HyperParameter("x", annotation, None, keyword_only=True).scalar is scalar


def test_everything_global_is_put_back():
    torch.manual_seed(3)
    before, level = global_state(), logging.getLogger("lightning.pytorch.utilities.rank_zero").level
    with controlled(seed=0):
        inside = global_state()
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(False)
        torch.rand(1), np.random.rand(), random.random()  # noqa: NPY002, S311
        changed = {name for name, value in global_state().items() if value != inside[name]}
    assert global_state() == before
    assert logging.getLogger("lightning.pytorch.utilities.rank_zero").level == level
    assert changed == {
        "torch's default dtype",
        "torch's grad mode",
        "torch's deterministic mode",
        "torch's random state",
        "numpy's random state",
        "Python's random state",
    }


@pytest.mark.parametrize("setting", [digits, four_classes, other_images, without_batch_norm])
def test_settings_are_the_same_every_time_and_their_parts_do_not_overlap(setting):
    first = setting()
    setting.cache_clear()
    again = setting()
    assert not differing(first.weights, again.weights)
    assert torch.equal(first.inputs, again.inputs)
    forget, retain = first.sets()
    assert sorted([*forget.index.tolist(), *retain.index.tolist()]) == list(range(len(first.target)))
    logits = first.network().eval()(first.inputs)
    assert logits.shape[0] == len(first.target) > int(first.target.max()) < logits.shape[1]


def test_the_network_on_digits_is_trained_and_poisoned():
    setting = digits()
    right = (setting.network().eval()(setting.inputs).argmax(1) == setting.target).float()
    assert right[setting.forget :].mean() > 0.8
    assert right[: setting.forget].mean() > 0.5  # the labels of the poisons are wrong


def test_another_forget_set_leaves_the_retain_set_as_it_is():
    setting = digits()
    other = setting.serving_other(slice(setting.forget))
    same = (setting.inputs == other.inputs).flatten(1).all(1) & (setting.target == other.target)
    assert same.nonzero().flatten().tolist() == list(range(setting.forget, len(same)))


def test_bits_are_compared_not_values():
    nan = torch.tensor([float("nan")])
    assert not differing({"x": nan}, {"x": nan.clone()})
    assert differing({"x": torch.zeros(1)}, {"x": -torch.zeros(1)}) == ["x"]
    assert differing({"x": nan, "y": nan}, {"x": nan.double()}) == ["x", "y"]
