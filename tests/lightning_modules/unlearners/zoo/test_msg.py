"""MSG against a plain loop."""

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS


def test_resets_what_differs_least_and_repairs(zoo):
    fraction, keep = 0.4, 0.2
    mine, fresh, batches = zoo.network().eval(), zoo.fresh(), zoo.batches()
    retain = batches.of("retain", 0)
    looked = retain[:2]  # 32 samples, the first whole batches that are no fewer than the 19 of the forget set

    def mean_gradient(several, weights):
        count = sum(len(batch.target) for batch in several)
        losses = [cross_entropy(mine(batch.inputs), batch.target, reduction="sum") for batch in several]
        return grad(sum(losses) / count, weights)

    convolutions = [(name, w) for name, w in mine.named_parameters() if w.ndim == 4]
    assert len(convolutions) == 5
    paces = {}
    differences = [
        mean_gradient(looked, [w for _, w in convolutions]),
        mean_gradient(batches.of("forget", 0), [w for _, w in convolutions]),
    ]
    for (name, w), g_retain, g_forget in zip(convolutions, *differences, strict=True):
        size = (g_retain - g_forget).abs()
        least = size <= size.flatten().sort().values[round(fraction * w.numel()) - 1]
        assert int(least.sum()) == round(fraction * w.numel())
        with torch.no_grad():
            w[least] = fresh.get_parameter(name)[least]
        paces[name] = torch.where(least, 1.0, keep)
    mine.train()
    weights = dict(mine.named_parameters())
    optimizer = zoo.Sgd(list(weights.values()), lr=0.05, momentum=0.9, weight_decay=0.01)
    for batch in retain[2:] + batches.of("retain", 1):
        gradients = grad(cross_entropy(mine(batch.inputs), batch.target), list(weights.values()))
        optimizer.step([paces.get(name, 1.0) * g for name, g in zip(weights, gradients, strict=True)])
    run = zoo.run("msg", fraction=fraction, keep=keep, lr=0.05, momentum=0.9, weight_decay=0.01, max_epochs=2)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 3 * (zoo.forget + 2 * zoo.retain)


def test_without_a_step_of_repair_nothing_is_reset(zoo):
    run, before = zoo.run("msg", passes=3 * (zoo.forget + 32)), zoo.network().state_dict()
    assert run.ledger.passes == 3 * (zoo.forget + 32)
    assert all(torch.equal(value, before[name]) for name, value in run.network.state_dict().items())


@pytest.mark.parametrize("wrong", [{"fraction": 0.0}, {"fraction": 1.0}, {"keep": -0.1}, {"lr": 0.0}])
def test_settings_out_of_range_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        UNLEARNERS.get("msg")(**wrong)
