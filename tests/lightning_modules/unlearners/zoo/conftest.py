"""One small network, two sets, and what a test needs to go over them by itself, with plain torch."""

import copy
from itertools import chain, count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from datamodules import BatchLoader, derive_seed
from lightning_modules import UNLEARNERS, NetworkSpec, UnlearnData, build_network

SPEC = NetworkSpec("small-cnn", 5, 2, {"width": 4, "strides": (1, 1, 2, 1, 1)})
DATA_SEED, RUN_SEED = 5, 11
FORGET, RETAIN = 19, 41
FORGET_BATCH, RETAIN_BATCH = 8, 16
QUIET = (
    r"ignore:Found \d+ module\(s\) in eval mode",
    "ignore:`LightningModule.configure_optimizers` returned `None`",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in QUIET:
                item.add_marker(pytest.mark.filterwarnings(warning))


class Sgd:
    """SGD from its formula: v <- momentum * v + (g + weight_decay * w), w <- w - lr * v; v is 0 at first."""

    def __init__(self, weights, lr, momentum=0.0, weight_decay=0.0):
        self.weights = list(weights)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = [torch.zeros_like(w) for w in self.weights]

    @torch.no_grad()
    def step(self, gradients):
        for place, (w, g) in enumerate(zip(self.weights, gradients, strict=True)):
            self.velocity[place] = self.momentum * self.velocity[place] + g + self.weight_decay * w
            w.sub_(self.lr * self.velocity[place])


class Batches:
    """The batches of each epoch, from loaders of the test's own."""

    def __init__(self, sets, equal):
        forget, retain = sets
        everything = SampleRows(forget, retain)
        size = RETAIN_BATCH if equal else FORGET_BATCH
        self.loaders = {
            "forget": BatchLoader(forget, size, seed=derive_seed("forget", DATA_SEED)),
            "retain": BatchLoader(retain, RETAIN_BATCH, seed=derive_seed("retain", DATA_SEED)),
            "full": BatchLoader(everything.set, RETAIN_BATCH, seed=derive_seed("full", DATA_SEED)),
        }

    def of(self, which, epoch, repeat=0):
        self.loaders[which].set_epoch(epoch, repeat)
        return list(self.loaders[which])

    def pairs(self, epoch):
        """Retain batches next to forget batches, which start over in another order."""
        forgotten = chain.from_iterable(self.of("forget", epoch, repeat) for repeat in count())
        return list(zip(self.of("retain", epoch), forgotten, strict=False))


class SampleRows:
    """Both sets as one, in the order of the training set."""

    def __init__(self, forget, retain):
        order = torch.cat([forget.index, retain.index]).argsort()
        target = torch.cat([forget.target, retain.target])[order]
        rows = torch.cat([forget.index, retain.index])[order]
        self.set = type(forget)(forget.store, rows, target)


@pytest.fixture(scope="session")
def zoo_network():
    """Weights and running statistics that are not those of a fresh network."""
    network = build_network(SPEC, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _ in range(20):
            network(1 + 2 * torch.randn(32, 2, 8, 8, generator=generator))
    return network


@pytest.fixture(scope="session")
def zoo_sets(sample_set):
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(FORGET + RETAIN, 2, 8, 8, generator=generator)
    everything = sample_set(inputs, torch.randint(5, (FORGET + RETAIN,), generator=generator))
    return everything.subset(torch.arange(FORGET)), everything.subset(torch.arange(FORGET, FORGET + RETAIN))


@pytest.fixture(scope="session")
def trained(zoo_network, zoo_sets):
    """A network that is right on nearly all samples, trained for a second; not to be changed."""
    network = copy.deepcopy(zoo_network).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for epoch in range(30):
        for batch in Batches(zoo_sets, equal=False).of("full", epoch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(batch.inputs), batch.target).backward()
            optimizer.step()
    return network


@pytest.fixture
def zoo(zoo_network, zoo_sets, drive):
    """What a formula test needs: ``network()``, ``batches()``, ``Sgd``, ``run(name, ...)`` and ``same(...)``."""

    def data(sets, *, equal):
        size = RETAIN_BATCH if equal else FORGET_BATCH
        return UnlearnData.from_sets(*sets, batch_size=RETAIN_BATCH, forget_batch_size=size, seed=DATA_SEED)

    def run(name, *, network=None, sets=None, passes=1e9, **settings):
        unlearner = UNLEARNERS.get(name)(**settings)
        batches = data(sets or zoo_sets, equal=unlearner.equal_batches)
        start = copy.deepcopy(network or zoo_network)
        return drive(unlearner, start, batches, passes=passes, seed=RUN_SEED)

    def same(got, expected, *, start=zoo_network, least=1e-3, tolerance=1e-6):
        """Equal states, of which at least one weight moved by more than ``least``."""
        before, got, expected = start.state_dict(), got.network.state_dict(), expected.state_dict()
        for key, value in expected.items():
            torch.testing.assert_close(got[key], value, atol=tolerance, rtol=0, msg=lambda text, key=key: key + text)
        assert max((got[key] - before[key]).abs().max() for key, _ in zoo_network.named_parameters()) > least

    return SimpleNamespace(
        network=lambda: copy.deepcopy(zoo_network),
        fresh=lambda: build_network(SPEC, RUN_SEED),
        sets=zoo_sets,
        batches=lambda *, equal=False: Batches(zoo_sets, equal),
        generator=lambda: torch.Generator().manual_seed(RUN_SEED),
        Sgd=Sgd,
        run=run,
        same=same,
        forget=FORGET,
        retain=RETAIN,
    )
