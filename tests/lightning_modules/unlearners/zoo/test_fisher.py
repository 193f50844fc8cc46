"""Fisher forgetting against its formula, and its estimate of the information against the exact one."""

import pytest
import torch
from torch.autograd import grad

from datamodules import Batch, UnlearnBatch
from lightning_modules import UNLEARNERS, Plan


def test_noise_of_the_variance_of_the_formula(zoo):
    alpha, clamp = 1e-2, 30.0
    mine, batches, generator = zoo.network().eval(), zoo.batches(), zoo.generator()
    weights = list(mine.parameters())
    information = [torch.zeros_like(w) for w in weights]
    for batch in batches.of("retain", 0):
        log_p = mine(batch.inputs).log_softmax(1)
        drawn = torch.multinomial(log_p.detach().exp(), 1, generator=generator)
        for total, g in zip(information, grad(log_p.gather(1, drawn).sum(), weights), strict=True):
            total.add_(g**2 / zoo.retain)
    clamped = 0
    with torch.no_grad():
        for w, f in zip(weights, information, strict=True):
            clamped += int((1 / f > clamp).sum())
            variance = alpha * torch.minimum(1 / f, torch.full_like(f, clamp))
            w.add_(torch.randn(w.shape, generator=generator) * variance**0.5)
    run = zoo.run("fisher", alpha=alpha, clamp=clamp)
    zoo.same(run, mine, tolerance=1e-5)
    assert 0 < clamped < sum(w.numel() for w in weights)
    assert run.ledger.passes == run.plan.passes == 3 * zoo.retain


def test_the_estimate_of_the_information_is_unbiased():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    weights = list(network.parameters())
    inputs = torch.randn(6, 3)
    exact = [torch.zeros_like(w) for w in weights]
    for x in inputs:
        for y in range(3):
            log_p = network(x).log_softmax(0)
            for total, g in zip(exact, grad(log_p[y], weights), strict=True):
                total.add_(log_p[y].detach().exp() * g**2 / len(inputs))
    unlearner = UNLEARNERS.get("fisher")()
    unlearner.attach(network, plan=Plan(1, 1, 0.0), seed=1)
    unlearner.setup()
    rounds = 8000
    batch = UnlearnBatch(None, Batch(inputs, torch.zeros(6, dtype=torch.long), torch.arange(6)), "retain")
    for _ in range(rounds):
        unlearner.training_step(batch, 0)
    assert unlearner.samples == rounds * len(inputs)
    for total, expected in zip(unlearner.information, exact, strict=True):
        # a squared sum of independent gradients has a deviation of about 1.5 times its mean: 5 of them
        assert ((total / unlearner.samples - expected).abs() <= 5 * 2 * expected / rounds**0.5).all()


@pytest.mark.parametrize("name", ["alpha", "clamp"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
        UNLEARNERS.get("fisher")(**{name: 0.0})
