"""A crafted set of 300 digits and networks that were trained on it for three epochs."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import CraftConfig, craft, load_data
from benchmark.stages.score import ScoreConfig, score
from benchmark.stages.train import WEIGHTS_FILE, TrainConfig, train
from benchmark.tensors import load_tensors
from datamodules import ForgetPolicy
from lightning_modules import NetworkSpec, Recipe


@dataclass(frozen=True)
class Made:
    """What a stage left: its folder, what it returned, and its configuration."""

    folder: Path
    meta: dict
    config: object = None

    @property
    def weights(self):
        return load_tensors(self.folder / WEIGHTS_FILE)


class Lab:
    """Runs stages, each in a new folder."""

    craft_config = CraftConfig(
        CorpusSpec("digits", train_size=300), PoisonSpec("gaussian", {"count": 30, "variance": 1.0}), ForgetPolicy(), 3
    )
    network = NetworkSpec("small-cnn", 10, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)})
    recipe = Recipe(epochs=3, batch_size=64, precision="32-true")

    def __init__(self, root):
        self._root = root
        self._count = 0

    def folder(self):
        self._count += 1
        path = self._root / str(self._count)
        path.mkdir()
        return path

    def craft(self, **changes):
        config, folder = replace(self.craft_config, **changes), self.folder()
        return Made(folder, craft(config, None, (), folder), config)

    def train(self, crafted, train_on, *, seed=5, **changes):
        config = replace(TrainConfig(self.network, self.recipe, seed), **changes)
        folder = self.folder()
        return Made(folder, train(config, crafted.config, crafted.folder, train_on, folder), config)

    def score(self, crafted, weights, snapshots=(), passes=()):
        folder = self.folder()
        meta = score(ScoreConfig(self.network, passes), crafted.config, crafted.folder, weights, snapshots, folder)
        return Made(folder, meta)

    @staticmethod
    def data(crafted, *, with_secrets=False):
        return load_data(crafted.config, crafted.folder, with_secrets=with_secrets)


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("stages"))


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


@pytest.fixture(scope="session")
def crafted(shared_lab):
    return shared_lab.craft()


@pytest.fixture(scope="session")
def poisoned(shared_lab, crafted):
    return shared_lab.train(crafted, "poisoned")


@pytest.fixture(scope="session")
def retrain(shared_lab, crafted):
    return shared_lab.train(crafted, "retain")
