"""Phases, cycling, the mixed split, and what a budget buys, against brute force."""

from itertools import chain, islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules import Batch, BatchLoader, UnlearnBatch, derive_seed
from lightning_modules import PhaseLoader, Plan, UnlearnData, Unlearner, VisitCost, plan_steps

PHASES = ["retain", "forget", "paired", "mixed"]


def make_data(sample_set, forget, retain, batch_size=4, forget_batch_size=3, seed=0):
    """Forget samples lie between retain samples: every third row while there are any."""
    total = forget + retain
    everything = sample_set(torch.arange(total).float().view(-1, 1, 1, 1), torch.arange(total) % 5)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(9))
    sets = everything.subset(order[:forget].sort().values), everything.subset(order[forget:].sort().values)
    return UnlearnData.from_sets(*sets, batch_size=batch_size, forget_batch_size=forget_batch_size, seed=seed)


@pytest.fixture
def data(sample_set):
    return make_data(sample_set, forget=7, retain=14)


def planned(unlearner, steps):
    """Attach a plan of so many steps to a method that is not run."""
    unlearner.plan = Plan(steps, 0, 0.0)
    return unlearner


def method(*schedules, visit=None, max_epochs=None):
    """A method whose epochs follow ``schedules``, the last one from there on."""

    class Method(Unlearner):
        def schedule(self, epoch):
            return schedules[min(epoch, len(schedules) - 1)]

    Method.visit = visit or VisitCost()
    return Method(max_epochs=max_epochs)


def served(data, phase, epoch=0):
    data.set_epoch(epoch)
    return list(data.serve(phase))


def rows(side):
    return [] if side is None else side.index.tolist()


# phases


def test_batches_hold_inputs_targets_and_rows_and_nothing_else(data):
    assert Batch._fields == ("inputs", "target", "index")
    assert UnlearnBatch._fields == ("forget", "retain", "phase")
    for phase in PHASES:
        for batch in served(data, phase):
            assert batch.phase == phase
            for side in (side for side in batch[:2] if side is not None):
                assert type(side) is Batch
                assert side.inputs.flatten().tolist() == side.index.tolist()  # inputs were made from the rows
                assert (side.index % 5).tolist() == side.target.tolist()


@pytest.mark.parametrize(("phase", "other"), [("retain", "forget"), ("forget", "retain")])
def test_a_pass_over_one_set_serves_each_of_its_samples_once(data, phase, other):
    batches = served(data, phase)
    assert all(getattr(batch, other) is None for batch in batches)
    expected = getattr(data, phase).samples.index.tolist()
    assert sorted(chain.from_iterable(rows(getattr(batch, phase)) for batch in batches)) == expected


def test_paired_forget_batches_start_over_until_the_retain_batches_end(data):
    batches = served(data, "paired")
    assert [rows(batch.retain) for batch in batches] == [rows(batch.retain) for batch in served(data, "retain")]
    forget = [rows(batch.forget) for batch in served(data, "forget")]
    assert len(forget) == 3
    assert [rows(batch.forget) for batch in batches[:3]] == forget
    data.forget.set_epoch(0, repeat=1)
    anew = [rows(batch) for batch in data.forget]
    assert rows(batches[3].forget) == anew[0]
    assert sorted(chain.from_iterable(anew)) == sorted(chain.from_iterable(forget))
    assert anew != forget


def test_paired_begins_with_the_first_forget_batch_in_every_epoch(data):
    for epoch in range(3):
        first = served(data, "forget", epoch)[0]
        assert rows(served(data, "paired", epoch)[0].forget) == rows(first.forget)


def test_paired_ends_with_the_retain_batches_where_there_are_fewer(sample_set):
    data = make_data(sample_set, forget=9, retain=4)
    assert len(served(data, "paired")) == 1


def test_mixed_cuts_a_pass_over_everything_exactly(data):
    forget, retain = set(data.forget.samples.index.tolist()), set(data.retain.samples.index.tolist())
    data.set_epoch(2)
    whole = [batch.index.tolist() for batch in data.full]
    batches = served(data, "mixed", 2)
    assert len(batches) == len(whole)
    for batch, together in zip(batches, whole, strict=True):
        assert rows(batch.forget) == [row for row in together if row in forget]
        assert rows(batch.retain) == [row for row in together if row in retain]
    assert sorted(chain.from_iterable(whole)) == sorted(forget | retain)


def test_a_side_of_a_mixed_batch_that_is_empty_is_none(sample_set):
    data = make_data(sample_set, forget=1, retain=20)
    batches = served(data, "mixed")
    assert [batch.forget is None for batch in batches].count(False) == 1


@pytest.mark.parametrize("phase", PHASES)
def test_an_epoch_is_a_function_of_seed_and_number(sample_set, phase):
    def order(seed, epoch):
        data = make_data(sample_set, forget=7, retain=14, seed=seed)
        return [(rows(batch.forget), rows(batch.retain)) for batch in served(data, phase, epoch)]

    torch.manual_seed(0)
    first = order(0, 1)
    torch.manual_seed(1)
    assert order(0, 1) == first
    assert order(0, 2) != first
    assert order(1, 1) != first


def test_the_three_loaders_draw_from_seeds_of_their_own(data):
    seeds = [loader.seed for loader in (data.forget, data.retain, data.full)]
    assert seeds == [derive_seed(name, 0) for name in ("forget", "retain", "full")]
    assert len(set(seeds)) == 3


@pytest.mark.parametrize("phase", PHASES)
def test_sizes_are_those_of_the_batches(data, phase):
    lengths = [(len(rows(batch.forget)), len(rows(batch.retain))) for batch in served(data, phase)]
    if phase == "mixed":
        lengths = [(0, sum(pair)) for pair in lengths]
    assert data.sizes(phase) == lengths


def test_augmentation_reaches_every_loader(sample_set):
    everything = sample_set(torch.randn(8, 1, 8, 8), torch.arange(8))
    sets = everything.subset(torch.arange(4)), everything.subset(torch.arange(4, 8))
    data = UnlearnData.from_sets(*sets, batch_size=4, forget_batch_size=4, seed=0, augmentation="flip-crop")
    for loader in (data.forget, data.retain, data.full):
        batch = next(iter(loader))
        assert not torch.equal(batch.inputs, everything.store.take(batch.index))


# plans


def brute_force(unlearner, data, passes):
    """Count over batches that are really served."""
    visit, spent, steps, epochs = unlearner.visit, 0.0, 0, 0
    for epoch in range(unlearner.max_epochs if unlearner.max_epochs is not None else 10_000):
        costs = []
        for phase in unlearner.schedule(epoch):
            for batch in served(data, phase, epoch):
                forget, retain = len(rows(batch.forget)), len(rows(batch.retain))
                if phase == "mixed":
                    costs.append((forget + retain) * max(visit.forget, visit.retain))
                else:
                    costs.append(forget * visit.forget + retain * visit.retain)
        begun = 0
        for cost in costs:
            if spent + cost > passes:
                return Plan(steps, epochs + begun, spent, cut=True)
            spent, steps, begun = spent + cost, steps + 1, 1
        if not costs:
            break
        epochs += 1
    return Plan(steps, epochs, spent)


SCHEDULES = st.lists(st.lists(st.sampled_from(PHASES), max_size=3).map(tuple), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    schedules=SCHEDULES,
    forget=st.integers(1, 7),
    retain=st.integers(1, 9),
    passes=st.integers(0, 300),
    visit=st.builds(VisitCost, retain=st.sampled_from([1.0, 3.0, 4.5]), forget=st.sampled_from([1.0, 3.0, 7.0])),
    max_epochs=st.sampled_from([None, 1, 3]),
)
def test_a_plan_is_what_counting_gives(sample_set, schedules, forget, retain, passes, visit, max_epochs):
    data = make_data(sample_set, forget, retain)
    unlearner = method(*schedules, visit=visit, max_epochs=max_epochs)
    plan = plan_steps(unlearner, data, passes)
    assert plan == brute_force(unlearner, data, passes)
    assert plan.passes <= passes


def test_a_method_that_costs_nothing_and_never_ends_is_refused(data):
    with pytest.raises(ValueError, match=r"visit must cost something.*VisitCost\(retain=0, forget=0\)"):
        plan_steps(method(("retain",), visit=VisitCost(0, 0)), data, 10)
    assert plan_steps(method(("retain",), visit=VisitCost(0, 0), max_epochs=2), data, 0) == Plan(8, 2, 0)


# epochs


@pytest.mark.parametrize("steps", [0, 1, 4, 5, 9, 10, 11, 30])
def test_epochs_are_cut_where_the_plan_ends(data, steps):
    unlearner = planned(method(("forget", "retain"), ("paired",), ("mixed", "forget")), steps)
    loader = PhaseLoader(data, unlearner)
    got, wanted = [], []
    for epoch in range(6):
        loader.set_epoch(epoch)
        got += [(batch.phase, rows(batch.forget), rows(batch.retain)) for batch in loader]
        for phase in unlearner.schedule(epoch):
            batches = served(data, phase, epoch)
            wanted += [(batch.phase, rows(batch.forget), rows(batch.retain)) for batch in batches]
    assert got == list(islice(wanted, steps))


def test_unequal_epochs_are_counted(data):
    loader = PhaseLoader(data, planned(method(("forget", "retain"), ("paired",), ("retain",)), 100))
    lengths = [loader.steps_before(epoch) for epoch in range(5)]
    assert lengths == [0, 7, 11, 15, 19]


def test_lightning_runs_exactly_the_plan(data, drive):
    seen = []

    class Watching(Unlearner):
        phases = ("forget", "retain")

        def training_step(self, batch, batch_idx):
            seen.append((self.trainer.current_epoch, batch.phase, len(rows(batch.forget) + rows(batch.retain))))

        def configure_optimizers(self):
            return torch.optim.SGD(self.network.parameters(), lr=0.1)

    run = drive(Watching(), torch.nn.Linear(1, 5), data, passes=3 * (7 + 14 + 7 + 4))
    assert run.plan == Plan(11, 2, 96.0, cut=True)
    assert [epoch for epoch, _, _ in seen] == [0] * 7 + [1] * 4
    assert [phase for _, phase, _ in seen[7:]] == ["forget"] * 3 + ["retain"]
    assert sum(size for _, _, size in seen) == 32


def test_loaders_of_the_callers_own_are_taken_in_their_order(sample_set):
    everything = sample_set(torch.zeros(6, 1, 1, 1), torch.arange(6))
    forget, retain = everything.subset(torch.tensor([5, 2])), everything.subset(torch.tensor([4, 0, 3, 1]))
    data = UnlearnData(*(BatchLoader(samples, 2, seed=None) for samples in (forget, retain, everything)))
    assert [rows(batch.forget) for batch in served(data, "forget")] == [[5, 2]]
    assert [rows(batch.retain) for batch in served(data, "retain")] == [[4, 0], [3, 1]]
    assert [(rows(batch.forget), rows(batch.retain)) for batch in served(data, "mixed")] == [
        ([], [0, 1]),
        ([2], [3]),
        ([5], [4]),
    ]
