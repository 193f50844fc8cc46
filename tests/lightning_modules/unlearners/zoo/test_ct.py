"""CT against a plain loop."""

import copy

import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "lr_schedule": "constant"}


def test_swaps_height_and_width_of_kernels_and_repairs(zoo):
    mine, batches = zoo.network().train(), zoo.batches()
    with torch.no_grad():
        for w in mine.parameters():
            if w.ndim == 4:
                w.copy_(torch.stack([torch.stack([kernel.T for kernel in out]) for out in w]))
    weights = list(mine.parameters())
    optimizer = zoo.Sgd(weights, 0.05, 0.9, 0.01)
    for epoch in range(2):
        for batch in batches.of("retain", epoch):
            optimizer.step(grad(cross_entropy(mine(batch.inputs), batch.target), weights))
    run = zoo.run("ct", **SGD, max_epochs=2)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 2 * 3 * zoo.retain


def test_kernels_that_are_not_square_or_do_not_train_stay(zoo):
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, (3, 1)), torch.nn.Conv2d(3, 3, 3), torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten(),
        torch.nn.Linear(2 * 2 * 4, 5),
    )  # fmt: skip
    network[2].requires_grad_(False)
    run = zoo.run("ct", network=copy.deepcopy(network), lr=1e-9, momentum=0.0, weight_decay=0.0, max_epochs=1)
    for place, swapped in ((0, False), (1, True), (2, False)):
        expected = network[place].weight.transpose(2, 3) if swapped else network[place].weight
        torch.testing.assert_close(run.network[place].weight, expected, atol=1e-6, rtol=0)
