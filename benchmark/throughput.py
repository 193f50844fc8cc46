"""Measures training and batch preparation against their plain counterparts: ``python -m benchmark.throughput``.

Repetitions alternate between ours and the peer, since machines are noisy; ratios are taken pair by pair.
"""

import logging
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jsonargparse import auto_cli
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmark.executors import available_cores
from benchmark.scenarios import get_scenarios
from benchmark.stages.train import TrainConfig, device_type, fit
from benchmark.workers import quieten_lightning
from callbacks import HistoryCallback, Ledger
from datamodules import BatchLoader, ImageCorpus, SampleSet
from datamodules.augmentation import build_augmentation
from datamodules.poison import image_corpus
from lightning_modules import Recipe, TrainingModule, build_network, resolve_precision

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """Samples per second of ours and of the peer, repetition by repetition."""

    name: str
    ours: list[float]
    peer: list[float]

    def line(self) -> str:
        """Return the medians and the ratio with its range, as text."""
        ratios = [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]
        median = statistics.median(ratios)
        return (
            f"{self.name:46} ours {statistics.median(self.ours):8.0f}/s  peer {statistics.median(self.peer):8.0f}/s  "
            f"ratio median {median:.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}, n {len(ratios)})"
        )


def throughput(scenario: str = "cifar10-gaussian-cnn-v1", repetitions: int = 5, epochs: int = 1) -> None:
    """Measure and print.

    Args:
        scenario: its corpus, network and recipe are used.
        repetitions: how often each side is measured, after one warm-up.
        epochs: epochs of training per measurement.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    quieten_lightning()
    chosen = get_scenarios(scenario)[0]
    corpus = image_corpus(chosen.corpus.load(), "a measurement against torchvision")
    recipe = chosen.recipe
    precision = resolve_precision(recipe.precision, device_type())
    device = torch.device(device_type())
    log.info("machine: %s %s, %d cores, device %s", platform.system(), platform.machine(), available_cores(), device)
    log.info("scenario: %s, batch %d, %s", chosen.name, recipe.batch_size, precision)
    samples = corpus.samples("train")
    spec = chosen.network_spec(corpus)
    for threads in sorted({1, available_cores()}):
        torch.set_num_threads(threads)
        comparison = _compare(
            f"training, {threads} thread(s): suite / bare loop",
            lambda: _train_suite(build_network(spec, 0), samples, recipe, epochs),
            lambda: _train_bare(build_network(spec, 0).to(device), samples, recipe, epochs, precision, device),
            len(samples) * epochs,
            repetitions,
        )
        log.info(comparison.line())
    torch.set_num_threads(available_cores())
    peers = (("one process", 0), ("a process per core", available_cores()))
    for name, workers in peers:
        comparison = _compare(
            f"batches: whole-batch / per-image, {name}",
            lambda: _prepare_suite(samples, recipe.batch_size),
            partial(_prepare_per_image, corpus, recipe.batch_size, workers),
            len(samples),
            repetitions,
        )
        log.info(comparison.line())


def _compare(
    name: str, ours: Callable[[], None], peer: Callable[[], None], samples: int, repetitions: int
) -> Comparison:
    result = Comparison(name, [], [])
    for repetition in range(repetitions + 1):
        for work, rates in ((ours, result.ours), (peer, result.peer)):
            began = time.perf_counter()
            work()
            if device_type() == "cuda":
                torch.cuda.synchronize()
            if repetition:
                rates.append(samples / (time.perf_counter() - began))
    return result


def _train_suite(network: nn.Module, samples: SampleSet, recipe: Recipe, epochs: int) -> None:
    short = replace(recipe, epochs=epochs)
    ledger = Ledger()
    ledger.watch(network)
    config = TrainConfig(network.spec, short, seed=0)  # type: ignore[arg-type]
    fit(TrainingModule(network, short), samples, config, HistoryCallback(), ledger)


def _train_bare(
    network: nn.Module,
    samples: SampleSet,
    recipe: Recipe,
    epochs: int,
    precision: Literal["32-true", "bf16-mixed"],
    device: torch.device,
) -> None:
    """Train on inputs that were normalised beforehand, with nothing around the loop."""
    whole = samples.to(device).batch(torch.arange(len(samples), device=device))
    inputs, target = whole.inputs, whole.target
    if not isinstance(inputs, Tensor):
        raise TypeError("the bare loop takes images")
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.lr / 25,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(inputs), device=device), recipe.batch_size):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
                loss = F.cross_entropy(network(inputs[rows]), target[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _prepare_suite(samples: SampleSet, batch_size: int) -> None:
    for _ in BatchLoader(samples, batch_size, seed=0, augment=build_augmentation("flip-crop")):
        pass


class _PerImage(Dataset[tuple[Tensor, int]]):
    """torchvision's usual way: an image at a time, from bytes through PIL to a normalised tensor."""

    def __init__(self, corpus: ImageCorpus) -> None:
        transforms: Any = import_module("torchvision.transforms")
        self.images = corpus.train.inputs.permute(0, 2, 3, 1).contiguous().numpy()
        self.target = corpus.train.target.tolist()
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(self.images.shape[1], padding=self.images.shape[1] // 8, padding_mode="reflect"),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(corpus.mean, corpus.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(self.images[row]), self.target[row]


def _prepare_per_image(corpus: ImageCorpus, batch_size: int, workers: int) -> None:
    for _ in DataLoader(_PerImage(corpus), batch_size, shuffle=True, num_workers=workers):
        pass


if __name__ == "__main__":
    auto_cli(throughput, as_positional=False)
