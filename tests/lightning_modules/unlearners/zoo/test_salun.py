"""SalUn against a plain loop; masked weights stay, bit for bit."""

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS

SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}


def salient(zoo, fraction):
    """The weights with the largest gradient of the whole forget set's mean loss."""
    network = zoo.network().eval()
    everything = zoo.sets[0].batch(torch.arange(zoo.forget))
    gradients = grad(cross_entropy(network(everything.inputs), everything.target), list(network.parameters()))
    sizes = torch.cat([g.abs().flatten() for g in gradients])
    threshold = sizes.sort().values[-round(fraction * len(sizes))]
    return [g.abs() >= threshold for g in gradients]


@pytest.mark.parametrize("batch_norm", ["train", "frozen"])
def test_random_labels_within_the_mask(batch_norm, zoo):
    fraction = 0.3
    mine, batches, generator = zoo.network().train(), zoo.batches(), zoo.generator()
    for module in mine.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train(batch_norm == "train")
    weights, masks = list(mine.parameters()), salient(zoo, fraction)
    velocity = [torch.zeros_like(w) for w in weights]

    def step(loss):
        for place, (w, g) in enumerate(zip(weights, grad(loss, weights), strict=True)):
            velocity[place] = 0.9 * velocity[place] + g + 0.01 * w.detach()
            with torch.no_grad():
                w.sub_(0.05 * velocity[place] * masks[place])

    for epoch in (1, 2):  # epoch 0 was for the mask
        for batch in batches.of("forget", epoch):
            wrong = (batch.target + torch.randint(1, 5, batch.target.shape, generator=generator)) % 5
            step(cross_entropy(mine(batch.inputs), wrong))
        for batch in batches.of("retain", epoch):
            step(cross_entropy(mine(batch.inputs), batch.target))
    run = zoo.run("salun", **SGD, fraction=fraction, batch_norm=batch_norm, max_epochs=2)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 3 * (3 * zoo.forget + 2 * zoo.retain)


def test_what_is_outside_the_mask_keeps_its_bits_whatever_momentum_and_decay_do(zoo):
    run = zoo.run("salun", lr=0.1, momentum=0.95, weight_decay=0.1, fraction=0.5, max_epochs=3)
    kept = total = 0
    for (name, before), mask in zip(zoo.network().named_parameters(), salient(zoo, 0.5), strict=True):
        after = run.network.get_parameter(name)
        assert torch.equal(after[~mask], before[~mask]), name
        assert not torch.any(after[mask] == before[mask]), name
        kept, total = kept + int((~mask).sum()), total + mask.numel()
    assert kept == total - round(0.5 * total)


def test_a_budget_for_the_mask_alone_moves_nothing(zoo):
    run = zoo.run("salun", passes=3 * zoo.forget)
    before, after = zoo.network().state_dict(), run.network.state_dict()
    assert run.ledger.passes == 3 * zoo.forget
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("wrong", [{"fraction": 0.0}, {"fraction": 1.5}, {"max_epochs": 0}, {"lr": -1.0}])
def test_settings_out_of_range_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        UNLEARNERS.get("salun")(**wrong)
