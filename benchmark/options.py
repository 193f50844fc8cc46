"""What can be said on the command line, as typed options."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmark.tuning import TUNING_SEEDS
from datamodules import Poison
from lightning_modules import Unlearner


@dataclass(frozen=True)
class ListOptions:
    """List suites, scenarios and unlearners.

    Args:
        suite: show the scenarios of this suite only.
    """

    suite: str | None = None


@dataclass(frozen=True)
class RunOptions:
    """Run scenarios and print the leaderboard; whatever is in the store is not computed again.

    Args:
        suite: smoke, mini, full or paper.
        scenarios: names of scenarios instead of a suite.
        unlearners: names of methods, or path/to/file.py:Class; by default those of the scenario's modality.
        unlearner: one method with settings, e.g. --unlearner=Scrub --unlearner.alpha=0.2.
        budgets: fractions of the poisoned model's training, e.g. 0.02,0.1; by default each scenario's own.
        seeds: e.g. 0,1; by default each scenario's own.
        workers: worker processes; by default one per core, or one per GPU.
        store: folder of artifacts, shared by all runs.
        output: folder of leaderboard, entries and TensorBoard files; by default output/<suite>.
        max_train_steps: cut every training (and its learning-rate schedule) to so many steps, to try a large scenario
            on a small machine.
        settings: default, tuned (rows of their own, <method>.tuned, where `tune` found some) or both.
        tuned_file: the tuned settings; by default those that are shipped.
    """

    suite: str = "mini"
    scenarios: list[str] | None = None
    unlearners: list[str] | None = None
    unlearner: Unlearner | None = None
    budgets: list[float] | None = None
    seeds: list[int] | None = None
    workers: int | None = None
    store: Path = Path("output/store")
    output: Path | None = None
    max_train_steps: int | None = None
    settings: Literal["default", "tuned", "both"] = "default"
    tuned_file: Path | None = None


@dataclass(frozen=True)
class TuneOptions:
    """Choose settings of methods, on seeds that no scenario scores on and by what a defender can see.

    Args:
        unlearner: names of methods, or path/to/file.py:Class.
        scenario: names of scenarios.
        trials: settings to try for each method in each scenario, the defaults among them.
        seeds: of the experiments on which they are tried.
        budget: fraction of the poisoned model's training; by default the largest of each scenario's own.
        workers: worker processes; by default one per core, or one per GPU.
        store: folder of artifacts, trials among them: a command that was stopped goes on from there.
        tuned_file: where the chosen settings are written, beside what is there; by default those that are shipped.
    """

    unlearner: list[str]
    scenario: list[str]
    trials: int = 12
    seeds: list[int] = field(default_factory=lambda: list(TUNING_SEEDS))
    budget: float | None = None
    workers: int | None = None
    store: Path = Path("output/store")
    tuned_file: Path | None = None


@dataclass(frozen=True)
class CheckOptions:
    """Check that a method keeps the contract: one property a line, on digits, in seconds.

    Args:
        unlearner: a name or path/to/file.py:Class, with settings as for run.
    """

    unlearner: Unlearner | None = None


@dataclass(frozen=True)
class CraftOptions:
    """Craft the poison of a scenario and write it out as images, or read one made elsewhere.

    Args:
        scenario: name of the scenario whose corpus, network and poison are used.
        poison: another poison with settings, e.g. --poison=GaussianPoison --poison.count=50.
        seed: seed of the crafting.
        load: a folder with a crafted poison, to be checked and drawn instead of crafting.
        store: folder of artifacts.
        output: folder of images and artifact; by default output/poisons/<scenario>/seed<k>.
        workers: worker processes; by default one per core, or one per GPU.
    """

    scenario: str = "cifar10-gaussian-cnn-v1"
    poison: Poison | None = None
    seed: int = 0
    load: Path | None = None
    store: Path = Path("output/store")
    output: Path | None = None
    workers: int | None = None


@dataclass(frozen=True)
class SubmitOptions:
    """Submit a method: check it, run it on every scenario of a suite, and write its entries to the published board.

    Args:
        unlearner: path/to/file.py:Class, or the name of a method that an installed package offers, with settings as
            for run.
        suite: smoke, mini, full or paper.
        scenarios: names of scenarios instead of a suite.
        store: folder of artifacts; what is there is not computed again.
        entries: folder of entries; the method's file is copied to submissions beside it.
        workers: worker processes; by default one per core, or one per GPU.
    """

    unlearner: Unlearner | None = None
    suite: str = "mini"
    scenarios: list[str] | None = None
    store: Path = Path("output/store")
    entries: Path = Path("leaderboard/entries")
    workers: int | None = None


@dataclass(frozen=True)
class VerifyOptions:
    """Run a claimed entry again, compare, and write into it whether it is verified or unreliable.

    Args:
        store: folder of artifacts, of which poisons and trained networks are used, and nothing else.
        workers: worker processes; by default one per core, or one per GPU.
        fresh: number of seeds to draw now, at least 2, on which the method is judged as well: poison, trainings,
            unlearning and scores are computed for them from nothing. With fewer than 4 only large differences show.
    """

    store: Path = Path("output/store")
    workers: int | None = None
    fresh: int | None = None


@dataclass(frozen=True)
class PublishOptions:
    """Take the entries of a run into the published board and render it.

    Args:
        output: folder of the run.
        entries: folder of published entries.
    """

    output: Path = Path("output/mini")
    entries: Path = Path("leaderboard/entries")
