"""L1-sparse against a plain loop."""

import pytest
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS

SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}


def test_penalty_falls_linearly_over_the_steps(zoo):
    alpha, steps = 0.02, 6
    mine, batches = zoo.network().train(), zoo.batches()
    weights = list(mine.parameters())
    optimizer, taken = zoo.Sgd(weights, **SGD), 0
    for epoch in range(2):
        for batch in batches.of("retain", epoch):
            gradients = grad(cross_entropy(mine(batch.inputs), batch.target), weights)
            penalty = [alpha * (steps - taken) / steps * w.detach().sign() for w in weights]
            optimizer.step([g + pull for g, pull in zip(gradients, penalty, strict=True)])
            taken += 1
    assert taken == steps
    run = zoo.run("l1_sparse", **SGD, alpha=alpha, max_epochs=2)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 2 * 3 * zoo.retain


def test_more_weights_become_small_than_without_the_penalty(zoo):
    def small(alpha):
        after = zoo.run("l1_sparse", lr=0.1, alpha=alpha, max_epochs=10).network.parameters()
        return sum(int((w.abs() < 0.01).sum()) for w in after)

    assert small(1e-2) > 1.5 * small(0.0)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"alpha must be at least 0, got -0\.1"):
        UNLEARNERS.get("l1_sparse")(alpha=-0.1)
