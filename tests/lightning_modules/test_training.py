"""TrainingModule against a bare PyTorch loop."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from benchmark.stages.trainers import make_trainer
from datamodules import BatchLoader
from lightning_modules import NetworkSpec, Recipe, TrainingModule, build_network, lr_factor

SPEC = NetworkSpec("small-cnn", 5, 2, {"width": 4, "strides": (1, 1, 2, 1, 1)})


@pytest.fixture
def samples(sample_set):
    generator = torch.Generator().manual_seed(0)
    return sample_set(torch.randn(40, 2, 8, 8, generator=generator), torch.randint(5, (40,), generator=generator))


def bare_loop(network, samples, recipe):
    """Train without Lightning; the learning rate is set by hand before each step."""
    network.train()
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=1.0,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    loader = BatchLoader(samples, recipe.batch_size, seed=1)
    steps, step = recipe.epochs * len(loader), 0
    for epoch in range(recipe.epochs):
        loader.set_epoch(epoch)
        for batch in loader:
            optimizer.param_groups[0]["lr"] = recipe.lr * lr_factor(recipe.schedule, step, steps)
            optimizer.zero_grad()
            cross_entropy(network(batch.inputs), batch.target).backward()
            optimizer.step()
            step += 1


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "one-cycle"])
@pytest.mark.parametrize("nesterov", [True, False])
def test_gives_the_weights_of_a_bare_loop(samples, schedule, nesterov):
    recipe = Recipe(epochs=3, batch_size=16, lr=0.1, weight_decay=0.01, nesterov=nesterov, schedule=schedule)
    network = build_network(SPEC, 0)
    mine = copy.deepcopy(network)
    bare_loop(mine, samples, recipe)
    trainer = make_trainer([], precision="32-true", max_epochs=recipe.epochs, accelerator="cpu")
    trainer.fit(TrainingModule(network, recipe), train_dataloaders=BatchLoader(samples, recipe.batch_size, seed=1))
    for name, expected in mine.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], expected, atol=1e-6, rtol=0)


class AdamW:
    """AdamW from its formula (Loshchilov and Hutter 2019, Algorithm 2), decaying what has more than one dimension."""

    def __init__(self, network, decay):
        self.parameters, self.decay, self.step_number = list(network.parameters()), decay, 0
        self.moments = [(torch.zeros_like(w), torch.zeros_like(w)) for w in self.parameters]

    @torch.no_grad()
    def step(self, gradients, lr):
        self.step_number += 1
        for w, g, (first, second) in zip(self.parameters, gradients, self.moments, strict=True):
            first.mul_(0.9).add_(0.1 * g)
            second.mul_(0.999).add_(0.001 * g * g)
            mean, square = first / (1 - 0.9**self.step_number), second / (1 - 0.999**self.step_number)
            decay = self.decay if w.ndim > 1 else 0.0
            w.sub_(lr * (mean / (square.sqrt() + 1e-8) + decay * w))


@pytest.mark.parametrize("schedule", ["constant", "linear-warmup"])
def test_adamw_gives_the_weights_of_its_formula(samples, schedule):
    network = build_network(SPEC, 0)
    mine = copy.deepcopy(network).train()
    recipe = Recipe(epochs=3, batch_size=16, lr=0.01, weight_decay=0.5, schedule=schedule, optimizer="adamw")
    optimizer, loader, step = AdamW(mine, 0.5), BatchLoader(samples, 16, seed=1), 0
    for epoch in range(3):
        loader.set_epoch(epoch)
        for batch in loader:
            gradients = torch.autograd.grad(cross_entropy(mine(batch.inputs), batch.target), optimizer.parameters)
            optimizer.step(gradients, 0.01 * lr_factor(schedule, step, 9))
            step += 1
    trainer = make_trainer([], precision="32-true", max_epochs=3, accelerator="cpu")
    trainer.fit(TrainingModule(network, recipe), train_dataloaders=BatchLoader(samples, 16, seed=1))
    for name, expected in mine.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], expected, atol=1e-4, rtol=0)


def test_adamw_leaves_alone_what_is_frozen(samples):
    network = build_network(SPEC, 0)
    network[0].weight.requires_grad_(False)
    before = network[0].weight.clone()
    trainer = make_trainer([], precision="32-true", max_epochs=1, accelerator="cpu")
    trainer.fit(TrainingModule(network, Recipe(epochs=1, optimizer="adamw")), BatchLoader(samples, 16, seed=1))
    assert torch.equal(network[0].weight, before)


def test_each_epoch_has_an_order_of_its_own(samples):
    seen = []

    class Watching(TrainingModule):
        def training_step(self, batch, batch_idx):
            seen.extend(batch.index.tolist())
            return super().training_step(batch, batch_idx)

    trainer = make_trainer([], precision="32-true", max_epochs=2, accelerator="cpu")
    module = Watching(build_network(SPEC, 0), Recipe(epochs=2))
    trainer.fit(module, train_dataloaders=BatchLoader(samples, 16, seed=1))
    epochs = seen[:40], seen[40:]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(40))
    assert epochs[0] != epochs[1]
