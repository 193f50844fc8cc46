import contextlib
import copy
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import callbacks.ledger
from callbacks import BudgetSpentError, Ledger
from lightning_modules import NetworkSpec, build_network, fresh_copy, frozen_copy

CPU = torch.device("cpu")


def make(budget=None):
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    ledger = Ledger(budget)
    ledger.watch(network)
    return network, ledger


def inputs(samples):
    return torch.ones(samples, 3)


# counting


def test_a_forward_costs_one_and_its_backward_two():
    network, ledger = make()
    loss = network(inputs(5)).sum()
    assert (ledger.forward_passes, ledger.backward_passes) == (5, 0)
    loss.backward()
    assert (ledger.forward_passes, ledger.backward_passes) == (5, 10)
    assert ledger.passes == 15


def test_a_forward_without_gradient_costs_one():
    network, ledger = make()
    with torch.no_grad():
        network(inputs(5))
    assert ledger.passes == 5


def test_a_backward_made_twice_is_counted_twice():
    network, ledger = make()
    loss = network(inputs(5)).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert ledger.passes == 5 + 10 + 10


def test_two_forwards_before_one_backward():
    network, ledger = make()
    (network(inputs(5)).sum() - network(inputs(2)).sum()).backward()
    assert (ledger.forward_passes, ledger.backward_passes) == (7, 14)


def test_gradients_of_a_part_cost_a_whole_backward():
    network, ledger = make()
    torch.autograd.grad(network(inputs(5)).sum(), network[2].weight)
    assert ledger.backward_passes == 10


def test_a_detached_output_has_no_backward():
    network, ledger = make()
    (network(inputs(5)).detach().requires_grad_() * 2).sum().backward()
    assert ledger.passes == 5


def test_a_frozen_network_has_no_backward():
    network, ledger = make()
    network.requires_grad_(False)
    network(inputs(5))
    assert ledger.passes == 5


@pytest.mark.parametrize("copy_of", [copy.deepcopy, frozen_copy, lambda network: copy.deepcopy(copy.deepcopy(network))])
def test_copies_are_counted_like_the_original(copy_of):
    network, ledger = make()
    teacher = copy_of(network)
    with torch.no_grad():
        teacher(inputs(5))
    network(inputs(1))
    assert ledger.passes == 6


def test_fresh_copies_are_counted_like_the_original():
    for network in (build_network(NetworkSpec("small-cnn", 2, 1, {"width": 2}), 0), make()[0]):
        ledger = Ledger()
        ledger.watch(network)
        fresh = fresh_copy(network, 0)
        with torch.no_grad():
            fresh(torch.zeros(4, 1, 8, 8) if isinstance(network[0], nn.Conv2d) else inputs(4))
        assert ledger.passes == 4


def test_text_is_counted_by_samples():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.EmbeddingBag(10, 2)

        def forward(self, batch):
            return self.embed(batch["input_ids"])

    network, ledger = Bag(), Ledger()
    ledger.watch(network)
    network({"input_ids": torch.zeros(6, 9, dtype=torch.int64)}).sum().backward()
    assert ledger.passes == 18


def test_an_input_given_by_name_is_counted():
    network, ledger = nn.Linear(3, 2), Ledger()
    ledger.watch(network)
    network(input=inputs(4))
    assert ledger.passes == 4


def test_a_released_network_is_not_counted_any_more():
    network, ledger = make(budget=3)
    network(inputs(1))
    ledger.release()
    network(inputs(50)).sum().backward()
    assert ledger.passes == 1
    assert not ledger.refused


# the wall


def test_a_forward_that_cannot_be_paid_is_not_made():
    network, ledger = make(budget=7)
    called = []
    network[0].register_forward_pre_hook(lambda *_: called.append(True))
    with (
        pytest.raises(BudgetSpentError, match="0 of 7 network passes are spent; 8 samples more do not fit"),
        torch.no_grad(),
    ):
        network(inputs(8))
    assert not called
    assert ledger.refused
    assert ledger.passes == 0


def test_a_forward_is_made_only_if_its_backward_can_be_paid():
    network, ledger = make(budget=8)
    with pytest.raises(BudgetSpentError):
        network(inputs(3))
    with torch.no_grad():
        network(inputs(3))
    assert ledger.passes == 3


def test_a_budget_may_be_spent_to_the_last_pass():
    network, ledger = make(budget=9)
    network(inputs(3)).sum().backward()
    assert ledger.passes == 9
    assert not ledger.refused
    assert not ledger.affords(1)


def test_a_backward_that_cannot_be_paid_is_refused():
    network, ledger = make(budget=12)
    loss = network(inputs(3)).sum()
    loss = loss + network(inputs(3)).sum()  # 6 are spent, both backward passes would cost 12
    with pytest.raises(BudgetSpentError, match="a backward pass does not fit"):
        loss.backward()
    assert ledger.refused
    assert ledger.passes <= 12


@given(
    budget=st.integers(0, 60),
    moves=st.lists(st.tuples(st.sampled_from(["look", "step", "hold", "release"]), st.integers(1, 6)), max_size=25),
)
def test_whatever_is_tried_the_budget_is_never_exceeded(budget, moves):
    network, ledger = make(budget)
    spent, held = 0, []
    for move, samples in moves:
        try:
            if move == "look":
                with torch.no_grad():
                    network(inputs(samples))
                spent += samples
            elif move == "step":
                network(inputs(samples)).sum().backward()
                spent += 3 * samples
            elif move == "hold":
                held.append((network(inputs(samples)).sum(), samples))
                spent += samples
            elif held:
                loss, size = held.pop()
                loss.backward()
                spent += 2 * size
        except BudgetSpentError:
            assert ledger.refused
        assert ledger.passes == spent <= budget


def test_a_negative_budget_is_refused():
    with pytest.raises(ValueError, match="budget must be at least 0, got -1"):
        Ledger(-1)


# time and pauses


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes only when it is pushed."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(callbacks.ledger.time, "perf_counter", lambda: clock.now)
    return clock


def test_wall_clock_runs_while_running_and_stands_while_paused(clock):
    ledger = Ledger()
    clock.now += 1
    with ledger.running(CPU):
        clock.now += 2
        with ledger.paused(CPU):
            clock.now += 4
        clock.now += 8
    clock.now += 16
    assert ledger.wall_clock_s == 10


def test_wall_clock_adds_up_over_stretches(clock):
    ledger = Ledger()
    for seconds in (1, 2):
        with ledger.running(CPU):
            clock.now += seconds
    assert ledger.wall_clock_s == 3


def test_wall_clock_is_kept_when_the_budget_is_spent(clock):
    ledger = Ledger()
    with contextlib.suppress(BudgetSpentError), ledger.running(CPU):
        clock.now += 5
        raise BudgetSpentError
    assert ledger.wall_clock_s == 5


def test_a_pause_costs_nothing():
    network, ledger = make(budget=3)
    with ledger.running(CPU), ledger.paused(CPU):
        network(inputs(50)).sum().backward()
    assert ledger.passes == 0
    assert not ledger.refused
    network(inputs(1)).sum().backward()
    assert ledger.passes == 3
