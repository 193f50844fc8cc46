"""What every method of the zoo says about itself: which sets it reads, whether it reads labels, what it costs."""

import copy
from dataclasses import replace

import pytest
import torch

from lightning_modules import UNLEARNERS

ZOO = (
    "assd",
    "badt",
    "boundary_shrink",
    "ct",
    "fisher",
    "influence_first",
    "influence_second",
    "influence_woodfisher",
    "jit",
    "l1_sparse",
    "msg",
    "potion",
    "random_label",
    "salun",
    "sfr_on",
    "task_vector",
)
WITHOUT_FORGET_SET = {"ct", "fisher", "l1_sparse"}
WITHOUT_RETAIN_SET = {"boundary_shrink", "influence_first", "jit", "task_vector"}
WITHOUT_LABELS = {"badt", "fisher", "jit"}
VISITS = {"badt": (4, 4), "boundary_shrink": (3, 7), "influence_second": (6, 3), "jit": (3, 28)}
BUDGET = 1500  # passes: all sets are read several times


def reads(name, phases):
    unlearner = UNLEARNERS.get(name)()
    return bool({phase for epoch in range(6) for phase in unlearner.schedule(epoch)} & set(phases))


def with_other(side, sets):
    """Both sets over one store, in which the samples of ``side`` look otherwise."""
    parts = [samples.batch(torch.arange(len(samples))).inputs for samples in sets]
    place = ("forget", "retain").index(side)
    parts[place] = parts[place].flip(3) + 0.3
    store = sets[0].store.replace(torch.cat([samples.index for samples in sets]), torch.cat(parts))
    return tuple(replace(samples, store=store) for samples in sets)


def other_labels(samples):
    return replace(samples, target=(samples.target + 1) % 5)


def state(run):
    return run.network.state_dict()


def equal(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("name", ZOO)
def test_says_which_sets_it_reads(name, zoo, trained):
    before = state(zoo.run(name, network=trained, passes=BUDGET))
    for side, without, phases in (
        ("forget", WITHOUT_FORGET_SET, ("forget", "paired", "mixed")),
        ("retain", WITHOUT_RETAIN_SET, ("retain", "paired", "mixed")),
    ):
        after = state(zoo.run(name, network=trained, sets=with_other(side, zoo.sets), passes=BUDGET))
        assert reads(name, phases) == (name not in without)
        assert equal(before, after) == (name in without)


@pytest.mark.parametrize("name", ZOO)
def test_says_whether_it_reads_labels(name, zoo, trained):
    settings = {"rho": 0.8} if name == "potion" else {}  # a search that ends before the last share
    before = state(zoo.run(name, network=trained, passes=BUDGET, **settings))
    sets = tuple(other_labels(samples) for samples in zoo.sets)
    after = state(zoo.run(name, network=trained, sets=sets, passes=BUDGET, **settings))
    assert getattr(UNLEARNERS.get(name), "label_free", False) == (name in WITHOUT_LABELS)
    assert equal(before, after) == (name in WITHOUT_LABELS)


def cut(samples, size):
    return [min(size, samples - start) for start in range(0, samples, size)]


def promised(name, zoo, passes):
    """What the batches cost that ``passes`` pay, one after the other, by the table of this file."""
    unlearner = UNLEARNERS.get(name)()
    retain_visit, forget_visit = VISITS.get(name, (3, 3))
    forget = cut(zoo.forget, 16 if unlearner.equal_batches else 8)
    retain, full = cut(zoo.retain, 16), cut(zoo.forget + zoo.retain, 16)
    paired = [retain_visit * size + forget_visit * forget[step % len(forget)] for step, size in enumerate(retain)]
    costs = {
        "forget": [forget_visit * size for size in forget],
        "retain": [retain_visit * size for size in retain],
        "paired": paired,
        "mixed": [retain_visit * size for size in full],
    }
    spent = 0
    for epoch in range(unlearner.max_epochs or 100):
        for cost in (cost for phase in unlearner.schedule(epoch) for cost in costs[phase]):
            if spent + cost > passes:
                return spent
            spent += cost
    return spent


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("passes", [60, 130, 400, 1100, BUDGET])
def test_costs_what_it_says(name, passes, zoo):
    run = zoo.run(name, passes=passes)
    assert run.ledger.passes == run.plan.passes == promised(name, zoo, passes)
    assert not run.ledger.refused


@pytest.mark.parametrize("name", ZOO)
def test_what_does_not_train_keeps_its_bits(name, zoo, trained):
    network = copy.deepcopy(trained)
    still = ["0.weight", "4.weight", "4.bias", "17.bias"]
    for part in still:
        network.get_parameter(part).requires_grad_(False)
    after = dict(zoo.run(name, network=network, passes=BUDGET).network.named_parameters())
    assert all(torch.equal(after[part], trained.get_parameter(part)) for part in still)
    assert not torch.equal(after["9.weight"], trained.get_parameter("9.weight"))
