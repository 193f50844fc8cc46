"""Methods against plain loops written from their formulas; momentum and weight decay included."""

import copy
from itertools import chain, count

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from datamodules import BatchLoader, derive_seed
from lightning_modules import UNLEARNERS, NetworkSpec, UnlearnData, build_network

pytestmark = pytest.mark.filterwarnings(r"ignore:Found \d+ module\(s\) in eval mode")
SPEC = NetworkSpec("small-cnn", 5, 2, {"width": 4, "strides": (1, 1, 2, 1, 1)})
LAST_TWO_LAYERS = ["12.weight", "13.weight", "13.bias", "17.weight", "17.bias"]  # convolution, its batch norm, head
LAST_TWO_BUFFERS = ["13.running_mean", "13.running_var", "13.num_batches_tracked"]
DATA_SEED, RUN_SEED = 5, 11
SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}


class Sgd:
    """SGD from its formula: v <- momentum * v + (g + weight_decay * w), w <- w - lr * v; v is 0 at first."""

    def __init__(self, parameters, lr, momentum, weight_decay):
        self.parameters = parameters
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = [torch.zeros_like(w) for w in parameters]

    @torch.no_grad()
    def step(self, gradients):
        pulls = [g + self.weight_decay * w for g, w in zip(gradients, self.parameters, strict=True)]
        self.velocity = [self.momentum * v + pull for v, pull in zip(self.velocity, pulls, strict=True)]
        for w, v in zip(self.parameters, self.velocity, strict=True):
            w.sub_(self.lr * v)


@pytest.fixture(scope="module")
def network():
    network = build_network(SPEC, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # running statistics far from those of a fresh network
        for _ in range(20):
            network(1 + 2 * torch.randn(32, 2, 8, 8, generator=generator))
    return network


@pytest.fixture
def sets(sample_set):
    generator = torch.Generator().manual_seed(2)
    everything = sample_set(torch.randn(60, 2, 8, 8, generator=generator), torch.randint(5, (60,), generator=generator))
    return everything.subset(torch.arange(19)), everything.subset(torch.arange(19, 60))


@pytest.fixture
def data(sets):
    return UnlearnData.from_sets(*sets, batch_size=16, forget_batch_size=8, seed=DATA_SEED)


@pytest.fixture
def batches(sets):
    """Batches of an epoch, from loaders of the test's own."""
    forget, retain = sets
    loaders = {
        "forget": BatchLoader(forget, 8, seed=derive_seed("forget", DATA_SEED)),
        "retain": BatchLoader(retain, 16, seed=derive_seed("retain", DATA_SEED)),
    }

    def of(which, epoch):
        loaders[which].set_epoch(epoch)
        return [(batch.inputs, batch.target) for batch in loaders[which]]

    return of


def run(name, network, data, drive, epochs, **settings):
    unlearner = UNLEARNERS.get(name)(**SGD, **settings, max_epochs=epochs)
    return drive(unlearner, copy.deepcopy(network), data, seed=RUN_SEED).network.state_dict()


def assert_same(got, expected, before):
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}")
    assert max((got[name] - before[name]).abs().max() for name in got if got[name].is_floating_point()) > 1e-2


def test_ngd(network, data, batches, drive):
    variance = 1e-3
    mine = copy.deepcopy(network).train()
    weights = list(mine.parameters())
    generator, optimizer = torch.Generator().manual_seed(RUN_SEED), Sgd(weights, **SGD)
    for epoch in range(2):
        for inputs, target in batches("retain", epoch):
            gradients = grad(cross_entropy(mine(inputs), target), weights)
            noise = [torch.randn(w.shape, generator=generator) for w in weights]
            optimizer.step([g + variance**0.5 * xi for g, xi in zip(gradients, noise, strict=True)])
    got = run("ngd", network, data, drive, 2, noise_variance=variance)
    assert_same(got, mine.state_dict(), network.state_dict())


@pytest.mark.parametrize("method", ["cfk", "euk"])
def test_last_k_layers(method, network, data, batches, drive):
    mine = copy.deepcopy(network).eval()
    if method == "euk":
        fresh = build_network(SPEC, RUN_SEED).state_dict()
        drawn = {name: fresh[name] for name in LAST_TWO_LAYERS + LAST_TWO_BUFFERS}
        mine.load_state_dict(mine.state_dict() | drawn)
    mine[13].train()  # the batch norm of the part that moves
    weights = [mine.get_parameter(name) for name in LAST_TWO_LAYERS]
    optimizer = Sgd(weights, **SGD)
    for epoch in range(2):
        for inputs, target in batches("retain", epoch):
            optimizer.step(grad(cross_entropy(mine(inputs), target), weights))
    got = run(method, network, data, drive, 2, k=2)
    assert_same(got, mine.state_dict(), network.state_dict())
    before, moving = network.state_dict(), {*LAST_TWO_LAYERS, *LAST_TWO_BUFFERS}
    assert all(torch.equal(got[name], before[name]) for name in before if name not in moving)


def test_scrub(network, data, batches, drive):
    alpha, gamma, temperature, msteps = 0.3, 0.7, 2.0, 2
    student, teacher = copy.deepcopy(network).train(), copy.deepcopy(network).eval()
    weights = list(student.parameters())
    optimizer = Sgd(weights, **SGD)

    def distance(inputs):
        with torch.no_grad():
            p = (teacher(inputs) / temperature).softmax(1)
        logits = student(inputs)
        q = (logits / temperature).softmax(1)
        return logits, temperature**2 / len(inputs) * (p * (p.log() - q.log())).sum()

    for epoch in (1, 2, 3):
        if epoch <= msteps:
            for inputs, _ in batches("forget", epoch - 1):
                optimizer.step(grad(-distance(inputs)[1], weights))
        for inputs, target in batches("retain", epoch - 1):
            logits, from_teacher = distance(inputs)
            loss = gamma * cross_entropy(logits, target) + alpha * from_teacher
            optimizer.step(grad(loss, weights))
    settings = {"alpha": alpha, "gamma": gamma, "temperature": temperature, "msteps": msteps}
    got = run("scrub", network, data, drive, 3, **settings)
    assert_same(got, student.state_dict(), network.state_dict())


class Pairs:
    """The steps of an epoch: each retain batch, next to a forget batch, which start over in another order."""

    def __init__(self, sets):
        forget, retain = sets
        self.forget = BatchLoader(forget, 8, seed=derive_seed("forget", DATA_SEED))
        self.retain = BatchLoader(retain, 16, seed=derive_seed("retain", DATA_SEED))

    def forgotten(self, epoch):
        for repeat in count():
            self.forget.set_epoch(epoch, repeat)
            yield list(self.forget)

    def of(self, epoch):
        self.retain.set_epoch(epoch)
        return zip(self.retain, chain.from_iterable(self.forgotten(epoch)), strict=False)

    def alone(self, epoch):
        return [(None, batch) for batch in next(self.forgotten(epoch))]


def probability(network, batch):
    return torch.stack([row.softmax(0)[c] for row, c in zip(network(batch.inputs), batch.target, strict=True)])


def graddiff(p, _before):
    return p.log().mean()


def npo(p, before):
    beta = 0.7
    return (1 + (p / before) ** beta).log().mean() * 2 / beta


def simnpo(p, _before):
    beta, delta = 1.5, 0.4
    return -(1 / (1 + (beta * p.log() + delta).exp())).log().mean() * 2 / beta


OWN = {"graddiff": {}, "npo": {"beta": 0.7}, "simnpo": {"beta": 1.5, "delta": 0.4}}


@pytest.mark.parametrize("batch_norm", ["frozen", "train"])
@pytest.mark.parametrize("alpha", [0.8, 0.0])
@pytest.mark.parametrize("forget_term", [graddiff, npo, simnpo])
def test_preference_methods(forget_term, alpha, batch_norm, network, data, sets, drive):
    gamma, pairs = 0.9, Pairs(sets)
    mine, reference = copy.deepcopy(network).train(), copy.deepcopy(network).eval()
    for module in mine.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train(batch_norm == "train")
    weights = list(mine.parameters())
    optimizer = Sgd(weights, **SGD)
    for epoch in range(2):
        for retain, forget in pairs.of(epoch) if alpha else pairs.alone(epoch):
            loss = gamma * forget_term(probability(mine, forget), probability(reference, forget).detach())
            if alpha:
                loss = loss + alpha * cross_entropy(mine(retain.inputs), retain.target)
            optimizer.step(grad(loss, weights))
    name = forget_term.__name__
    got = run(name, network, data, drive, 2, alpha=alpha, gamma=gamma, batch_norm=batch_norm, **OWN[name])
    assert_same(got, mine.state_dict(), network.state_dict())


class Sequences(torch.nn.Module):
    """Gives each class as an answer of several parts, and classes that say something else."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(2 * 8 * 8, 5)

    def forward(self, inputs):
        return self.body(inputs.flatten(1))

    def sequence_log_probs(self, batch):
        return -(self(batch.inputs) ** 2).sum(1)

    def sequence_lengths(self, batch):
        return 1 + batch.target


@pytest.mark.parametrize("forget_term", [graddiff, npo, simnpo])
def test_preference_methods_ask_for_the_sequence(forget_term, data, sets, drive):
    torch.manual_seed(3)
    network = Sequences()
    mine, before, divided = copy.deepcopy(network), copy.deepcopy(network), forget_term is not npo
    weights, optimizer = list(mine.parameters()), Sgd(list(mine.parameters()), lr=0.03, momentum=0, weight_decay=0)

    def answer(network, batch):
        lengths = [1 + int(c) for c in batch.target]
        rows = network.body(batch.inputs.flatten(1))
        values = [-(row**2).sum() / (n if divided else 1) for row, n in zip(rows, lengths, strict=True)]
        return torch.stack(values).exp()

    for _, forget in Pairs(sets).alone(0):
        optimizer.step(grad(forget_term(answer(mine, forget), answer(before, forget).detach()), weights))
    settings = {"lr": 0.03, "momentum": 0, "weight_decay": 0, "gamma": 1.0, "alpha": 0.0, "max_epochs": 1}
    unlearner = UNLEARNERS.get(forget_term.__name__)(**settings, **OWN[forget_term.__name__])
    got = drive(unlearner, copy.deepcopy(network), data, seed=RUN_SEED)
    assert_same(got.network.state_dict(), mine.state_dict(), network.state_dict())
    assert got.ledger.passes == got.plan.passes == 19 * (4 if forget_term is npo else 3)


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("graddiff", {"gamma": 0.0}),
        ("graddiff", {"alpha": -1.0}),
        ("npo", {"beta": 0.0}),
        ("npo", {"gamma": float("nan")}),
        ("npo", {"alpha": float("nan")}),
        ("simnpo", {"beta": -1.0}),
        ("simnpo", {"gamma": 0.0}),
        ("simnpo", {"alpha": -0.1}),
    ],
)
def test_weights_out_of_range_are_refused(method, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be .* got {value}"):
        UNLEARNERS.get(method)(**wrong)
