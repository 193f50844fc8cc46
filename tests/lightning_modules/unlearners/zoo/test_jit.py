"""JiT against a plain loop, on images and on texts."""

import copy

import pytest
import torch
from torch.autograd import grad

from datamodules import UnlearnBatch
from lightning_modules import UNLEARNERS, Plan


def test_lowers_the_change_of_the_logits_around_forget_samples(zoo):
    std, lr = 0.3, 0.02
    mine, batches, generator = zoo.network().eval(), zoo.batches(), zoo.generator()
    weights = list(mine.parameters())
    optimizer = zoo.Sgd(weights, lr)
    for epoch in range(2):
        for batch in batches.of("forget", epoch):
            ratios = 0.0
            for _ in range(25):
                noise = std * torch.randn(batch.inputs.shape, generator=generator)
                change = mine(batch.inputs) - mine(batch.inputs + noise).detach()
                ratios = ratios + (change.square().sum(1) / noise.square().sum((1, 2, 3))).sqrt().sum()
            optimizer.step(grad(ratios / 25, weights))
    run = zoo.run("jit", noise_std=std, lr=lr, max_epochs=2)
    zoo.same(run, mine, tolerance=1e-5)
    assert run.ledger.passes == run.plan.passes == 2 * 28 * zoo.forget


def test_texts_get_noise_on_the_embeddings_of_their_tokens(text_network, text_batch):
    batch, std = text_batch(noise=True), 0.2
    network, generator = copy.deepcopy(text_network).eval(), torch.Generator().manual_seed(3)
    ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
    ratios = torch.zeros(len(ids))
    for _ in range(25):
        noise = std * torch.randn(*ids.shape, 32, generator=generator)
        noise[mask == 0] = 0
        around = batch.inputs | {"embedding_noise": batch.inputs["embedding_noise"] + noise}
        change = (network(batch.inputs) - network(around)).square().sum(1).sqrt()
        ratios += change.detach() / noise.square().sum((1, 2)).sqrt() / 25
    unlearner = UNLEARNERS.get("jit")(noise_std=std)
    unlearner.attach(text_network, plan=Plan(1, 1, 0.0), seed=3)
    unlearner.setup()
    got = unlearner.training_step(UnlearnBatch(batch, None, "forget"), 0)
    torch.testing.assert_close(got, ratios.sum(), atol=1e-5, rtol=1e-4)


def test_a_deviation_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"noise_std must be positive, got 0\.0"):
        UNLEARNERS.get("jit")(noise_std=0.0)
