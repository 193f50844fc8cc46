"""Potion against its formula, and its search against trying one share after the other."""

import copy
import math

import pytest
import torch
from torch.autograd import grad

from lightning_modules import UNLEARNERS


class Reference:
    """The method, from its formula."""

    def __init__(self, network, zoo):
        self.network = copy.deepcopy(network).eval()
        batches = zoo.batches(equal=True)
        self.forget, self.full = (self.importance(batches.of(which, 0)) for which in ("forget", "full"))
        ratios = [(f / d).flatten() for f, d in zip(self.forget, self.full, strict=True)]
        self.ratios = torch.cat(ratios).double().nan_to_num(posinf=math.nan)
        self.everything = zoo.sets[0].batch(torch.arange(zoo.forget))
        self.start = zoo.forget / (zoo.forget + zoo.retain) / 25

    def importance(self, batches):
        weights = list(self.network.parameters())
        total = [torch.zeros_like(w) for w in weights]
        for batch in batches:
            gradients = grad(self.network(batch.inputs).square().sum(1).sqrt().mean(), weights)
            total = [value + g.abs() / len(batches) for value, g in zip(total, gradients, strict=True)]
        return total

    def dampened(self, j):
        network = copy.deepcopy(self.network)
        p = 100 - math.log(1 + 100 * self.start * 1.1**j)
        alpha = torch.nanquantile(self.ratios, p / 100).item()
        with torch.no_grad():
            for w, f, d in zip(network.parameters(), self.forget, self.full, strict=True):
                where = f > alpha * d
                w[where] *= (d / f)[where].clamp(max=1)
        return network

    def right(self, network):
        return int((network(self.everything.inputs).argmax(1) == self.everything.target).sum())


def matches(run, network):
    pairs = zip(run.network.parameters(), network.parameters(), strict=True)
    return all(torch.allclose(got, value, atol=1e-6) for got, value in pairs)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.6, 0.8])
def test_finds_a_share_that_is_low_enough_whose_predecessor_is_not(rho, zoo, trained):
    reference = Reference(trained, zoo)
    before = reference.right(reference.network)
    assert before >= 15
    low = [reference.right(reference.dampened(j)) <= rho * before for j in range(256)]
    edges = [j for j in range(256) if low[j] and not (j and low[j - 1])]
    run = zoo.run("potion", network=trained, rho=rho)
    found = [j for j in edges or [255] if matches(run, reference.dampened(j))]
    assert found
    if low == sorted(low) and any(low):
        assert found == edges
    assert run.ledger.passes == run.plan.passes == 3 * (2 * zoo.forget + zoo.retain + 4 * zoo.forget)


def test_an_accuracy_of_exactly_rho_is_low_enough(zoo, trained):
    reference = Reference(trained, zoo)
    before = reference.right(reference.network)
    rights = [reference.right(reference.dampened(j)) for j in range(256)]

    def edges(low):
        return {j for j in range(256) if low[j] and not (j and low[j - 1])}

    exact = [count for count in set(rights) if 0 < count < before and count / before * before == count]
    reached = {count: edges([right <= count for right in rights]) for count in exact}
    level = next(count for count in exact if not reached[count] & edges([right < count for right in rights]))
    run = zoo.run("potion", network=trained, rho=level / before)
    assert any(matches(run, reference.dampened(j)) for j in reached[level])


def test_without_a_round_of_search_the_smallest_share_is_dampened(zoo, trained):
    run = zoo.run("potion", network=trained, passes=3 * (2 * zoo.forget + zoo.retain) + 3 * (zoo.forget - 1))
    assert matches(run, Reference(trained, zoo).dampened(0))


def test_without_a_batch_of_the_full_set_nothing_moves(zoo, trained):
    run = zoo.run("potion", network=trained, passes=3 * zoo.forget)
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in run.network.state_dict().items())


def test_an_accuracy_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"rho must be in \[0, 1\), got 1\.0"):
        UNLEARNERS.get("potion")(rho=1.0)
