"""The negated task vector against a plain loop."""

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS


def test_goes_back_what_fine_tuning_on_the_forget_set_went(zoo):
    mine, batches = zoo.network().eval(), zoo.batches()
    weights = list(mine.parameters())
    start = [w.detach().clone() for w in weights]
    optimizer = zoo.Sgd(weights, lr=0.05, momentum=0.9)
    for epoch in range(3):
        for batch in batches.of("forget", epoch):
            optimizer.step(grad(cross_entropy(mine(batch.inputs), batch.target), weights))
    with torch.no_grad():
        for w, w0 in zip(weights, start, strict=True):
            w.copy_(w0 - 0.7 * (w - w0))
    run = zoo.run("task_vector", scale=0.7, lr=0.05, momentum=0.9, max_epochs=3)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 3 * 3 * zoo.forget


def test_a_scale_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"scale must be positive, got 0\.0"):
        UNLEARNERS.get("task_vector")(scale=0.0)
