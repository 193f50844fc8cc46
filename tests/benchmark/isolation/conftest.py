"""A briefly trained network on digits, and copies of shipped methods that lie outside the repository."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark.isolation import close_sandboxes
from benchmark.isolation.walls import MODE, walls
from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import CraftConfig, craft
from benchmark.stages.train import WEIGHTS_FILE, TrainConfig, train
from benchmark.stages.unlearn import UnlearnConfig
from datamodules import ForgetPolicy
from lightning_modules import NetworkSpec, Recipe

UNLEARNERS = Path(__file__).parents[3] / "lightning_modules" / "unlearners"


@dataclass(frozen=True)
class World:
    """A poisoned network, and how an unlearning of it is configured."""

    craft: CraftConfig
    crafted: Path
    weights: Path
    config: UnlearnConfig


def made(root: Path, config: CraftConfig, network: NetworkSpec, recipe: Recipe) -> World:
    crafted, trained = root / "crafted", root / "trained"
    crafted.mkdir()
    trained.mkdir()
    craft(config, None, (), crafted)
    meta = train(TrainConfig(network, recipe, 5), config, crafted, "poisoned", trained)
    unlearning = UnlearnConfig(
        network=network,
        method="",
        budget=0.3,
        training_passes=meta["passes"],
        batch_size=64,
        forget_batch_size=8,
        augmentation="none",
        precision="32-true",
        snapshots=2,
        seed=1,
    )
    return World(config, crafted, trained / WEIGHTS_FILE, unlearning)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> World:
    return made(
        tmp_path_factory.mktemp("digits"),
        CraftConfig(CorpusSpec("digits", train_size=300), PoisonSpec("gaussian", {"count": 30}), ForgetPolicy(), 3),
        NetworkSpec("small-cnn", 10, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)}),
        Recipe(epochs=3, batch_size=64, precision="32-true"),
    )


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> World:
    corpus = CorpusSpec("grammar", train_size=200, options={"tokenizer": "grammar", "max_length": 32})
    poison = PoisonSpec("gaussian-embedding", {"count": 20, "std": 0.1, "width": 32})
    return made(
        tmp_path_factory.mktemp("texts"),
        CraftConfig(corpus, poison, ForgetPolicy(), 3),
        NetworkSpec("classifier:tiny-bert", 2, 0),
        Recipe(epochs=1, batch_size=32, precision="32-true"),
    )


@pytest.fixture(scope="session")
def copy_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Writes a shipped method to a file elsewhere, under another name, and returns its reference."""
    folder = tmp_path_factory.mktemp("submissions")

    def write(method: str) -> str:
        text = (UNLEARNERS / f"{method}.py").read_text()
        (folder / f"my_{method}.py").write_text(re.sub(r'name="\w+"', f'name="my_{method}"', text, count=1))
        return str(folder / f"my_{method}.py")

    return write


@pytest.fixture(scope="module", autouse=True)
def _no_sandbox_is_left() -> Iterator[None]:
    yield
    close_sandboxes()


@pytest.fixture
def without_walls(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    close_sandboxes()
    monkeypatch.setitem(os.environ, MODE, "process")
    walls.cache_clear()
    yield
    close_sandboxes()
    monkeypatch.delitem(os.environ, MODE)
    walls.cache_clear()
