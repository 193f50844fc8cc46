"""SFR-on against a plain loop."""

import math

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS

SETTINGS = {"alpha": 3.0, "lam": 0.7, "gamma": 1.3, "every": 2, "clip": 0.5, "lr": 0.05, "momentum": 0.9}


def together(batches):
    return torch.cat([b.inputs for b in batches]), torch.cat([b.target for b in batches])


def information(network, groups):
    total = [torch.zeros_like(w) for w in network.parameters()]
    for inputs, target in groups:
        gradients = grad(cross_entropy(network(inputs), target), list(network.parameters()))
        total = [value + g**2 / len(groups) for value, g in zip(total, gradients, strict=True)]
    return total


def test_mask_ascent_and_descent(zoo):
    """Four epochs of three steps: three looks, then ascents before steps 2, 4, 6, 8 and, with what is left, 9."""
    mine, batches = zoo.network(), zoo.batches()
    pairs = [pair for epoch in range(4) for pair in batches.pairs(epoch)]
    forgets, retains = [f for _, f in pairs], [r for r, _ in pairs]
    assert [len(f.target) for f in forgets[:3]] == [8, 8, 3]
    mine.eval()
    f_forget = information(mine, [together(forgets[:2]), together(forgets[2:3])])
    f_retain = information(mine, [together([r]) for r in retains[:3]])
    masks = [f + 1e-15 >= 1.3 * (r + 1e-15) for f, r in zip(f_forget, f_retain, strict=True)]
    assert 0.05 < torch.cat([m.flatten() for m in masks]).float().mean() < 0.95
    mine.train()
    weights, clipped = list(mine.parameters()), 0
    optimizer = zoo.Sgd(weights, lr=0.05, momentum=0.9, weight_decay=0.01)
    for t in range(9):
        cosine = (1 + math.cos(math.pi * t / 9)) / 2
        optimizer.lr = 0.05 * cosine
        if t % 2 == 1 or t == 8:
            inputs, target = together(forgets[3 + t - 1 : 3 + t + 1] if t % 2 else forgets[-1:])
            losses = cross_entropy(mine(inputs), target, reduction="none")
            shares = losses.detach() ** -0.7
            gradients = grad(-3.0 * cosine * (shares / shares.sum() * losses).sum(), weights)
            gradients = [g * mask for g, mask in zip(gradients, masks, strict=True)]
            norm = torch.cat([g.flatten() for g in gradients]).norm()
            clipped += bool(norm > 0.5)
            optimizer.step([g * min(1.0, 0.5 / float(norm)) for g in gradients])
        optimizer.step(grad(cross_entropy(mine(retains[3 + t].inputs), retains[3 + t].target), weights))
    run = zoo.run("sfr_on", **SETTINGS, weight_decay=0.01, max_epochs=4)
    assert 0 < clipped < 5
    zoo.same(run, mine, tolerance=2e-5)
    assert run.ledger.passes == run.plan.passes == 3 * sum(len(f.target) + len(r.target) for r, f in pairs)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0.0}, {"lam": -1.0}, {"gamma": 0.0}, {"every": 0}, {"clip": 0.0}, {"momentum": 1.0}]
)
def test_settings_out_of_range_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        UNLEARNERS.get("sfr_on")(**wrong)
