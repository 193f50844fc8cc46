"""Stage calls: what is hashed into an address, and the work that makes the artifact."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from benchmark.address import address_of, plain
from benchmark.code import package_code, plugin_code, stage_code
from benchmark.isolation import Submission, run_apart
from benchmark.isolation.limits import Pace
from benchmark.stages.craft import CraftConfig, craft
from benchmark.stages.score import ScoreConfig, score
from benchmark.stages.sham import ShamConfig, sham
from benchmark.stages.train import WEIGHTS_FILE, TrainConfig, TrainOn, device_type, train
from benchmark.stages.unlearn import UnlearnConfig, unlearn
from benchmark.store import Artifact
from callbacks import EFFECTS
from datamodules import POISONS
from lightning_modules import UNLEARNERS, NetworkSpec

Work = Callable[[Path], Mapping[str, Any]]


@dataclass(frozen=True)
class Call:
    """One stage, ready to run anywhere: picklable.

    Attributes:
        stage: its name.
        description: everything that determines the result, as JSON data.
        work: writes the artifact's files into a folder and returns its ``meta``.
    """

    stage: str
    description: Mapping[str, Any]
    work: Work

    @cached_property
    def address(self) -> str:
        """Hash of the description."""
        return address_of(self.description)


def craft_call(
    config: CraftConfig,
    corpus_fingerprint: str,
    network: NetworkSpec | None = None,
    surrogates: Sequence[Artifact] = (),
) -> Call:
    """Return the call that crafts a poison, from surrogates where it needs some."""
    source = plugin_code(POISONS.get(config.poison.name))
    work = partial(craft, config, network, [surrogate.file(WEIGHTS_FILE) for surrogate in surrogates])
    addresses = [surrogate.address for surrogate in surrogates]
    return _call("craft", work, config=config, corpus=corpus_fingerprint, source=source, surrogates=addresses)


def surrogate_call(config: TrainConfig, craft_config: CraftConfig, corpus_fingerprint: str) -> Call:
    """Return the call that trains a network on the clean training split."""
    work = partial(train, config, craft_config, None, "clean")
    return _call("train", work, config=config, data=f"clean {corpus_fingerprint}", device=device_type())


def train_call(config: TrainConfig, crafted: Artifact, craft_config: CraftConfig, train_on: TrainOn) -> Call:
    """Return the call that trains on the poisoned set or on the retain set.

    The address holds the fingerprint of the training set and not the poison's address: two attacks with the same
    forget set share one retrain baseline.
    """
    work = partial(train, config, craft_config, crafted.folder, train_on)
    return _call("train", work, config=config, data=crafted.meta[train_on], device=device_type())


def unlearn_call(
    config: UnlearnConfig,
    poisoned: Artifact,
    crafted: Artifact,
    craft_config: CraftConfig,
    submission: Submission | None = None,
) -> Call:
    """Return the call that runs a method on the poisoned model: a shipped one in place, a submission apart."""
    weights = poisoned.file(WEIGHTS_FILE)
    apart: dict[str, str] = {}
    work: Work
    if submission is None:
        plugin = UNLEARNERS.get(config.method)
        method = {"name": plugin.card.name, "class": plugin.__name__, "source": plugin_code(plugin)}
        work = partial(unlearn, config, craft_config, crafted.folder, weights)
    else:
        method = {"name": submission.card.name, "class": submission.class_name, "source": submission.source}
        pace = Pace(poisoned.meta["wall_clock_s"], poisoned.meta["passes"])
        work = partial(run_apart, submission, pace, config, craft_config, crafted.folder, weights)
        apart = {"apart": package_code("isolation")}
    return _call(
        "unlearn",
        work,
        config=plain(config) | {"method": method},
        poisoned=poisoned.address,
        data=[crafted.meta["forget"], crafted.meta["retain"]],
        device=device_type(),
        **apart,
    )


def sham_call(config: ShamConfig, poisoned: Artifact, moved: Artifact) -> Call:
    """Return the call that moves the poisoned model at random, as far as a method moved it."""
    work = partial(sham, config, poisoned.file(WEIGHTS_FILE), moved.file(WEIGHTS_FILE))
    return _call("sham", work, config=config, poisoned=poisoned.address, moved=moved.address)


def score_call(config: ScoreConfig, model: Artifact, crafted: Artifact, craft_config: CraftConfig) -> Call:
    """Return the call that measures a model."""
    snapshots = [model.file(f"snapshot-{number}.safetensors") for number in range(len(config.passes))]
    work = partial(score, config, craft_config, crafted.folder, model.file(WEIGHTS_FILE), snapshots)
    effect = EFFECTS.get(POISONS.get(craft_config.poison.name).effect)
    return _call(
        "score",
        work,
        config=config,
        model=model.address,
        crafted=crafted.address,
        source=plugin_code(effect),
        device=device_type(),
    )


def _call(stage: str, work: Work, **determines: object) -> Call:
    return Call(stage, {"stage": stage, "code": stage_code(stage)} | plain(determines), work)
