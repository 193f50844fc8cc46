"""The small worlds in which methods are checked: few digits, a briefly trained network, a forget set of poisons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import Tensor, nn

from benchmark.conformance.surroundings import controlled
from datamodules import BatchLoader, ImageStore, SampleSet, generator_for, load_corpus
from datamodules.poison import image_corpus
from lightning_modules import NetworkSpec, build_network, training_loss

FORGET, RETAIN = 21, 101  # neither is a multiple of its batch size
BATCH_SIZE, FORGET_BATCH_SIZE = 32, 8


@dataclass(frozen=True)
class Setting:
    """An unlearning request to a small network.

    Attributes:
        build: makes the network, with any weights.
        weights: state of the network before unlearning.
        inputs: ``(N, C, H, W)`` float32, what is fed.
        target: ``(N,)`` int64 labels.
        forget: the first so many samples are the forget set, the others the retain set.
        hidden: ``(N, C, H, W)`` uint8, what lies in the store where ``inputs`` are fed: the clean base samples.
    """

    build: Callable[[], nn.Module]
    weights: Mapping[str, Tensor]
    inputs: Tensor
    target: Tensor
    forget: int
    hidden: Tensor

    def network(self) -> nn.Module:
        """Return the network before unlearning, a new one each time."""
        network = self.build()
        network.load_state_dict(dict(self.weights))
        return network

    def everything(self) -> SampleSet:
        """Return the whole training set."""
        rows = torch.arange(len(self.target))
        channels = self.inputs.shape[1]
        store = ImageStore.clean(self.hidden, (0.5,) * channels, (0.5,) * channels).replace(rows, self.inputs)
        return SampleSet(store, rows, self.target)

    def sets(self) -> tuple[SampleSet, SampleSet]:
        """Return forget set and retain set."""
        everything = self.everything()
        rows = everything.index
        return everything.subset(rows[: self.forget]), everything.subset(rows[self.forget :])

    def serving_other(self, rows: slice) -> "Setting":
        """Return this setting with other inputs and labels in ``rows``, and nothing else changed."""
        inputs, target = self.inputs.clone(), self.target.clone()
        inputs[rows] = torch.randn(inputs[rows].shape, generator=generator_for("other inputs"))
        target[rows] = (target[rows] + 1) % (1 + int(target.max()))
        return replace(self, inputs=inputs, target=target)

    def cut(self, forget: int, retain: int) -> "Setting":
        """Return this setting with only the first ``forget`` and ``retain`` samples of its sets."""
        rows = torch.cat([torch.arange(forget), self.forget + torch.arange(retain)])
        return replace(
            self, inputs=self.inputs[rows], target=self.target[rows], hidden=self.hidden[rows], forget=forget
        )


@cache
def digits() -> Setting:
    """Digits with noisy, mislabelled poisons, and a network that was trained on all of them for eight epochs."""
    setting = _digits(num_classes=10)
    network = setting.build()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    loader = BatchLoader(setting.everything(), BATCH_SIZE, seed=0)
    with controlled(seed=0):
        for epoch in range(8):
            loader.set_epoch(epoch)
            for batch in loader:
                optimizer.zero_grad()
                training_loss(network, batch).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return replace(setting, weights=network.state_dict())


@cache
def four_classes() -> Setting:
    """Digits 0 to 3, and a fresh network of four classes."""
    return _digits(num_classes=4)


@cache
def other_images() -> Setting:
    """Noise with three channels and 12 x 12 pixels, and a fresh network."""
    return _noise((3, 12, 12), partial(build_network, NetworkSpec("small-cnn", 10, 3, {"width": 4}), 0))


@cache
def without_batch_norm() -> Setting:
    """Noise, and a fresh fully connected network that no helper of ours has built."""
    return _noise((1, 8, 8), _perceptron)


def _digits(num_classes: int) -> Setting:
    corpus = image_corpus(load_corpus("digits"), "conformance checks")
    rows = (corpus.train.target < num_classes).nonzero().squeeze(1)[: FORGET + RETAIN]
    hidden, target = corpus.train.inputs[rows], corpus.train.target[rows].clone()
    inputs = (hidden.float() / 255 - corpus.mean[0]) / corpus.std[0]
    inputs[:FORGET] += 0.5 * torch.randn(inputs[:FORGET].shape, generator=generator_for("poison"))
    target[:FORGET] = (target[:FORGET] + 1) % num_classes
    spec = NetworkSpec("small-cnn", num_classes, 1, {"width": 8, "strides": (1, 1, 2, 1, 1)})
    return _setting(partial(build_network, spec, 0), inputs, target, hidden)


def _noise(shape: tuple[int, ...], build: Callable[[], nn.Module]) -> Setting:
    generator = generator_for("noise", *shape)
    inputs = torch.randn(FORGET + RETAIN, *shape, generator=generator)
    target = torch.randint(10, (len(inputs),), generator=generator)
    hidden = torch.randint(256, inputs.shape, generator=generator).to(torch.uint8)
    return _setting(build, inputs, target, hidden)


def _setting(build: Callable[[], nn.Module], inputs: Tensor, target: Tensor, hidden: Tensor) -> Setting:
    return Setting(build, build().state_dict(), inputs, target, FORGET, hidden)


def _perceptron() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, 32),
            nn.LayerNorm(32),
            nn.ReLU(),
            nn.Linear(32, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
        )
