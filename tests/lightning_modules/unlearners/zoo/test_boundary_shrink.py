"""Boundary shrink against a plain loop, on images and on texts."""

import copy

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from datamodules import UnlearnBatch
from lightning_modules import UNLEARNERS, Plan

SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}


@pytest.mark.parametrize("batch_norm", ["train", "frozen"])
def test_trains_on_the_class_across_the_nearest_border(batch_norm, zoo, trained):
    bound, changed = 0.5, 0
    mine, before, batches = copy.deepcopy(trained).train(), copy.deepcopy(trained).eval(), zoo.batches()
    for module in mine.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train(batch_norm == "train")
    weights = list(mine.parameters())
    optimizer = zoo.Sgd(weights, **SGD)
    for epoch in range(2):
        for batch in batches.of("forget", epoch):
            x = batch.inputs.clone().requires_grad_()
            (slope,) = grad(cross_entropy(before(x), batch.target), x)
            nearest = before(batch.inputs + bound * slope.sign()).argmax(1)
            changed += int((nearest != before(batch.inputs).argmax(1)).sum())
            optimizer.step(grad(cross_entropy(mine(batch.inputs), nearest), weights))
    run = zoo.run("boundary_shrink", network=trained, **SGD, bound=bound, batch_norm=batch_norm, max_epochs=2)
    zoo.same(run, mine, start=trained)
    assert changed > 5
    assert run.ledger.passes == run.plan.passes == 2 * 7 * zoo.forget


@pytest.mark.parametrize("noise", [False, True])
def test_texts_are_shifted_in_their_embeddings(noise, text_network, text_batch):
    batch, bound = text_batch(noise=noise), 0.3
    before = copy.deepcopy(text_network).eval()
    shift = torch.zeros(*batch.inputs["input_ids"].shape, 32, requires_grad=True)
    given = batch.inputs.get("embedding_noise", torch.zeros(()))
    (slope,) = grad(cross_entropy(before(batch.inputs | {"embedding_noise": given + shift}), batch.target), shift)
    shifted = batch.inputs | {"embedding_noise": given + bound * slope.sign()}
    mine = copy.deepcopy(text_network).train()
    expected = cross_entropy(mine(batch.inputs), before(shifted).argmax(1))
    unlearner = UNLEARNERS.get("boundary_shrink")(bound=bound)
    unlearner.attach(text_network, plan=Plan(1, 1, 0.0), seed=0)
    unlearner.setup()
    got = unlearner.training_step(UnlearnBatch(batch, None, "forget"), 0)
    torch.testing.assert_close(got, expected)


def test_a_bound_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"bound must be positive, got 0\.0"):
        UNLEARNERS.get("boundary_shrink")(bound=0.0)
