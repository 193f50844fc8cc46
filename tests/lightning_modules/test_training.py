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
