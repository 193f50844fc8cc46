"""A small experiment, bait that hostile submissions are after, and the means to run them."""

import contextlib
import hashlib
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmark.isolation import describe, is_submission, run_apart
from benchmark.isolation.limits import Limits, Pace
from benchmark.isolation.sandbox import Sandbox
from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import CraftConfig, craft
from benchmark.stages.train import WEIGHTS_FILE, TrainConfig, train
from benchmark.stages.unlearn import UnlearnConfig, unlearn
from datamodules import ForgetPolicy
from lightning_modules import NetworkSpec, Recipe

SUBMISSIONS = Path(__file__).parent / "submissions"
TOKEN = f"canary-{os.getpid()}"  # what a submission must not find; another one in each process of the tests


@dataclass(frozen=True)
class Outcome:
    """What the unlearn stage said of a run."""

    meta: dict
    weights: dict[str, Tensor]

    @property
    def explained(self) -> bool:
        return self.meta["cost"]["explained"]

    def same_as(self, other: "Outcome") -> bool:
        return self.weights.keys() == other.weights.keys() and all(
            torch.equal(value, other.weights[name]) for name, value in self.weights.items()
        )

    @property
    def looted(self) -> bool:
        return any(bool((value == 7.0).all()) for value in self.weights.values() if value.is_floating_point())


def tree(folder: Path) -> dict[str, str]:
    """Return what lies below a folder: contents by relative path, links by what they point to."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder"
    return found


class Lab:
    """One poisoned network of 300 digits, with its retrain baseline, and what else lies on a disk."""

    craft_config = CraftConfig(
        CorpusSpec("digits", train_size=300), PoisonSpec("gaussian", {"count": 30, "variance": 1.0}), ForgetPolicy(), 3
    )
    network = NetworkSpec("small-cnn", 10, 1, {"width": 4, "strides": (1, 1, 2, 1, 1)})
    recipe = Recipe(epochs=3, batch_size=64, precision="32-true")

    def __init__(self, root: Path, port: int) -> None:
        self.bait = root / "bait"
        self._root = root
        self._port = port
        self._count = 0
        self.crafted = self._made("craft")
        craft(self.craft_config, None, (), self.crafted)
        self.poisoned, retrain = self._made("train", "poisoned"), self._made("train", "retrain")
        config = TrainConfig(self.network, self.recipe, 5)
        meta = train(config, self.craft_config, self.crafted, "poisoned", self.poisoned)
        self.pace = Pace(meta["wall_clock_s"], meta["passes"])
        train(config, self.craft_config, self.crafted, "retain", retrain)
        for name in ("home/notes.txt", "cache/corpora/digits/train.bin", "submissions/other.py", "board/s/gd.json"):
            path = self.bait / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(TOKEN)
        (self.bait / "out" / "entries").mkdir(parents=True)
        (self.bait / "this-is-bait").touch()

    def _made(self, stage: str, name: str = "one") -> Path:
        folder = self.bait / "store" / stage / name
        folder.mkdir(parents=True)
        return folder

    def submission(self, name: str, *, seconds: float = 0.0, bait: Path | None = None) -> str:
        """Return the reference of one of the files beside this one, aimed at the bait, in a folder of its own.

        Args:
            name: of the file.
            seconds: what it trains behind the ledger's back.
            bait: another folder to aim at.
        """
        words = {
            "@BAIT@": str(bait or self.bait),
            "@TOKEN@": TOKEN,
            "@PORT@": str(self._port),
            "@SECONDS@": str(seconds),
            "@PIDS@": str(Path("/proc/self/ns/pid").readlink()),
            "@MOUNTS@": str(Path("/proc/self/ns/mnt").readlink()),
        }
        source = (SUBMISSIONS / f"{name}.py").read_text()
        for word, value in words.items():
            source = source.replace(word, value)
        file = self.new_folder("handed-in") / f"{name}.py"
        file.write_text(source)
        return f"{file}:Hostile"

    def new_folder(self, kind: str) -> Path:
        self._count += 1
        folder = self._root / kind / str(self._count)
        folder.mkdir(parents=True)
        return folder

    def unlearn(self, reference: str, *, limits: Limits | None = None) -> Outcome:
        """Run a method as the benchmark does: a shipped one in this process, a file apart from it."""
        config = UnlearnConfig(
            network=self.network,
            method=reference,
            hyperparameters={},
            budget=0.3,
            training_passes=self.pace.passes,
            batch_size=64,
            forget_batch_size=8,
            augmentation="none",
            precision="32-true",
            snapshots=1,
            seed=1,
        )
        folder, weights = self.new_folder("runs"), self.poisoned / WEIGHTS_FILE
        if is_submission(reference):
            given = (config, self.craft_config, self.crafted, weights, folder)
            meta = run_apart(describe(reference), self.pace, *given, limits=limits)
        else:
            meta = unlearn(config, self.craft_config, self.crafted, weights, folder)
        return Outcome(dict(meta), load_file(folder / WEIGHTS_FILE))

    @staticmethod
    def daemons() -> list[int]:
        """Return the processes, of whatever namespace, that hostile submissions have left behind."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{TOKEN}-daemon".encode() in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
        return found


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[int, list[str]]]:
    """Servers on this machine: a port and an abstract Unix socket. Yields the port, and who came."""
    visits: list[str] = []
    listeners = [socket.socket(socket.AF_INET), socket.socket(socket.AF_UNIX)]
    listeners[0].bind(("127.0.0.1", 0))
    listeners[1].bind(f"\0{TOKEN}")

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return
            visits.append(str(listener.family))

    for listener in listeners:
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    yield listeners[0].getsockname()[1], visits
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, server: tuple[int, list[str]]) -> Lab:
    return Lab(tmp_path_factory.mktemp("hostile"), server[0])


@pytest.fixture
def untouched(lab: Lab, tmp_path: Path) -> Iterator[None]:
    """Fail where one byte of the bait changed; put it back for the tests that follow."""
    before = tree(lab.bait)
    copy = tmp_path / "bait"
    shutil.copytree(lab.bait, copy, symlinks=True)
    yield
    after = tree(lab.bait)
    if after != before:
        shutil.rmtree(lab.bait)
        shutil.copytree(copy, lab.bait, symlinks=True)
    assert after == before


@pytest.fixture
def visits(server: tuple[int, list[str]]) -> list[str]:
    """Who came to the servers in this test."""
    server[1].clear()
    return server[1]


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPOISON_TEST_CANARY", TOKEN)


@pytest.fixture(scope="session")
def honest(lab: Lab) -> Outcome:
    """What fine-tuning gives in this experiment: the shipped method, in this process."""
    return lab.unlearn("gd")


class OneSandbox:
    """Hands out one sandbox for all submissions, so that only the first waits for its libraries.

    A run of the benchmark has one for each submission; here the next one is also a test of what the last one left.
    """

    def __init__(self) -> None:
        self._kept: Sandbox | None = None

    def __call__(self, file: str, sha256: str, content: bytes) -> Sandbox:
        if self._kept is None or not self._kept.alive:
            self.close()
            self._kept = Sandbox()
        for old in self._kept.inbox.iterdir():
            old.unlink()
        (self._kept.inbox / file).write_bytes(content)
        return self._kept

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[dict[str, OneSandbox]]:
    kept = {kind: OneSandbox() for kind in ("bubblewrap", "process")}
    yield kept
    for sandbox in kept.values():
        sandbox.close()


@pytest.fixture
def protection(monkeypatch: pytest.MonkeyPatch, sandboxes: dict[str, OneSandbox]) -> Iterator[Callable[[str], str]]:
    """A function that chooses how submissions are kept apart in this test."""
    chosen_walls = sys.modules["benchmark.isolation.walls"].walls

    def choose(kind: str) -> str:
        monkeypatch.setenv("UNPOISON_SANDBOX", "process" if kind == "process" else "")
        chosen_walls.cache_clear()
        if chosen_walls().kind != kind:
            pytest.skip(f"there are no walls to test on this machine: {chosen_walls().detail}")
        for module in ("describe", "apart"):
            monkeypatch.setattr(sys.modules[f"benchmark.isolation.{module}"], "sandbox_of", sandboxes[kind])
        return kind

    yield choose
    chosen_walls.cache_clear()


@pytest.fixture(params=["bubblewrap", "process"])
def either(request: pytest.FixtureRequest, protection: Callable[[str], str]) -> str:
    """The test runs behind walls, and once more without."""
    return protection(request.param)


@pytest.fixture
def walls(protection: Callable[[str], str]) -> str:
    """The test runs behind walls."""
    return protection("bubblewrap")


@pytest.fixture
def no_walls(protection: Callable[[str], str]) -> str:
    """The test runs in a process without walls."""
    return protection("process")
