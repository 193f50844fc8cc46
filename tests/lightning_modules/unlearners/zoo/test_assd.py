"""ASSD against its formula."""

import math

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS


def importances(network, batches):
    total = [torch.zeros_like(w) for w in network.parameters()]
    for batch in batches:
        gradients = grad(cross_entropy(network(batch.inputs), batch.target), list(network.parameters()))
        total = [value + g**2 / len(batches) for value, g in zip(total, gradients, strict=True)]
    return total


@pytest.mark.parametrize("lam", [1.0, 0.4])
def test_dampens_above_the_percentile_of_the_ratios(lam, zoo):
    mine, batches = zoo.network().eval(), zoo.batches(equal=True)
    forget, full = importances(mine, batches.of("forget", 0)), importances(mine, batches.of("full", 0))
    ratios = torch.cat([(f / d).flatten() for f, d in zip(forget, full, strict=True)]).nan_to_num(posinf=math.nan)
    p = 100 - math.log(1 + 100 * zoo.forget / (zoo.forget + zoo.retain))
    alpha = torch.nanquantile(ratios.double(), p / 100).item()
    chosen = 0
    with torch.no_grad():
        for w, f, d in zip(mine.parameters(), forget, full, strict=True):
            where = f > alpha * d
            chosen += int(where.sum())
            w[where] *= (lam * d / f)[where].clamp(max=1)
    run = zoo.run("assd", lam=lam)
    zoo.same(run, mine)
    assert chosen == pytest.approx((100 - p) / 100 * len(ratios), abs=3)
    assert run.ledger.passes == run.plan.passes == 3 * (2 * zoo.forget + zoo.retain)


def test_without_a_batch_of_the_full_set_nothing_moves(zoo):
    run, before = zoo.run("assd", passes=3 * zoo.forget), zoo.network().state_dict()
    assert all(torch.equal(value, before[name]) for name, value in run.network.state_dict().items())


def test_a_strength_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"lam must be positive, got 0\.0"):
        UNLEARNERS.get("assd")(lam=0.0)
