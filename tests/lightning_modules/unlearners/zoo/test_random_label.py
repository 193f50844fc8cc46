"""Random labels against a plain loop."""

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}


@pytest.mark.parametrize("batch_norm", ["train", "frozen"])
def test_forget_pass_with_wrong_labels_then_retain_pass(batch_norm, zoo):
    mine, batches, generator = zoo.network().train(), zoo.batches(), zoo.generator()
    for module in mine.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train(batch_norm == "train")
    weights = list(mine.parameters())
    optimizer = zoo.Sgd(weights, **SGD)
    for epoch in range(2):
        for batch in batches.of("forget", epoch):
            draws = torch.randint(1, 5, (len(batch.target),), generator=generator).tolist()
            wrong = [
                [c for c in (*range(y, 5), *range(y)) if c != y][d - 1]
                for y, d in zip(batch.target, draws, strict=True)
            ]
            assert all(c != y for c, y in zip(wrong, batch.target.tolist(), strict=True))
            optimizer.step(grad(cross_entropy(mine(batch.inputs), torch.tensor(wrong)), weights))
        for batch in batches.of("retain", epoch):
            optimizer.step(grad(cross_entropy(mine(batch.inputs), batch.target), weights))
    run = zoo.run("random_label", **SGD, batch_norm=batch_norm, max_epochs=2)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 2 * 3 * (zoo.forget + zoo.retain)
