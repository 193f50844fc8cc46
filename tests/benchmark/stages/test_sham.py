"""Sham: as large a move as the method's, in no direction of its own."""

import pytest
import torch

from benchmark.stages.sham import ShamConfig, sham
from benchmark.tensors import load_tensors, save_tensors

FILE = "weights.safetensors"


@pytest.fixture
def moved(lab, poisoned):
    """The poisoned network after a move of another size for each tensor, and none for one."""
    generator = torch.Generator().manual_seed(0)
    weights = poisoned.weights
    for size, (name, tensor) in enumerate(sorted(weights.items())):
        if tensor.is_floating_point() and name != "0.weight":
            tensor.add_(0.001 * (1 + size) * torch.rand(tensor.shape, generator=generator))
        elif not tensor.is_floating_point():
            tensor.add_(5)
    path = lab.folder() / FILE
    save_tensors(weights, path)
    return path


def _sham(lab, poisoned, moved, seed=0):
    folder = lab.folder()
    meta = sham(ShamConfig(seed), poisoned.folder / FILE, moved, folder)
    return load_tensors(folder / FILE), meta


def test_each_tensor_moves_as_far_as_the_method_moved_it(lab, poisoned, moved):
    before, after = poisoned.weights, load_tensors(moved)

    shammed, meta = _sham(lab, poisoned, moved)

    assert meta == {"finite": True}
    assert set(shammed) == set(before)
    for name, tensor in before.items():
        if tensor.is_floating_point() and not name.endswith("running_var"):
            move, wanted = (shammed[name] - tensor).double().norm(), (after[name] - tensor).double().norm()
            assert move.item() == pytest.approx(wanted.item(), rel=1e-3), name
        assert shammed[name].dtype == tensor.dtype
        assert shammed[name].shape == tensor.shape


def test_a_tensor_that_did_not_move_stays_bit_for_bit(lab, poisoned, moved):
    assert torch.equal(_sham(lab, poisoned, moved)[0]["0.weight"], poisoned.weights["0.weight"])


def test_integer_buffers_are_untouched(lab, poisoned, moved):
    shammed, _ = _sham(lab, poisoned, moved)

    counters = [name for name, tensor in poisoned.weights.items() if not tensor.is_floating_point()]
    assert len(counters) == 5
    for name in counters:
        assert torch.equal(shammed[name], poisoned.weights[name])
        assert not torch.equal(shammed[name], load_tensors(moved)[name])


def test_the_direction_is_not_that_of_the_method(lab, poisoned, moved):
    shammed, before, after = _sham(lab, poisoned, moved)[0], poisoned.weights, load_tensors(moved)

    for name in ("3.weight", "6.weight", "9.weight", "12.weight"):
        move, wanted = (shammed[name] - before[name]).flatten(), (after[name] - before[name]).flatten()
        cosine = torch.nn.functional.cosine_similarity(move, wanted, dim=0)
        assert abs(cosine) < 4 / len(move) ** 0.5, name


def test_running_variances_do_not_become_negative(lab, poisoned):
    weights = poisoned.weights
    for name, tensor in weights.items():
        if name.endswith("running_var"):
            tensor.add_(100)
    path = lab.folder() / FILE
    save_tensors(weights, path)

    shammed, meta = _sham(lab, poisoned, path)

    variances = torch.cat([tensor for name, tensor in shammed.items() if name.endswith("running_var")])
    assert variances.min() == 0
    assert variances.max() > 50
    assert meta["finite"]


def test_the_seed_alone_decides(lab, poisoned, moved):
    first, _ = _sham(lab, poisoned, moved)
    torch.manual_seed(3)
    again, _ = _sham(lab, poisoned, moved)
    other, _ = _sham(lab, poisoned, moved, seed=1)

    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())
    assert not torch.equal(first["3.weight"], other["3.weight"])


def test_tensors_of_one_shape_do_not_share_their_noise(lab, poisoned, moved):
    shammed, _ = _sham(lab, poisoned, moved)
    moves = [shammed[name] - poisoned.weights[name] for name in ("1.weight", "1.bias", "4.weight", "4.bias")]
    directions = torch.stack([move / move.norm() for move in moves])

    assert (directions @ directions.T - torch.eye(4)).abs().max() < 0.999


def test_the_move_of_a_diverged_method_makes_a_diverged_sham(lab, poisoned):
    weights = poisoned.weights
    weights["3.weight"].fill_(float("nan"))
    path = lab.folder() / FILE
    save_tensors(weights, path)

    assert _sham(lab, poisoned, path)[1] == {"finite": False}
