"""What a scenario is: everything that is held fixed while unlearners are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from benchmark.address import LATER
from datamodules import POISONS, Corpus, ForgetPolicy, ImageCorpus, Poison, load_corpus
from lightning_modules import NetworkSpec, Recipe

Option = str | int | float | bool | tuple[int, ...]


@dataclass(frozen=True)
class CorpusSpec:
    """A corpus, and how much of it, in samples; None takes all (training) or the corpus's default (selection).

    Attributes:
        options: further keywords of the corpus, such as ``tokenizer`` and ``max_length`` of texts.
    """

    name: str
    train_size: int | None = None
    selection_size: int | None = None
    options: Mapping[str, Option] = field(default_factory=dict, metadata=LATER, hash=False)

    def load(self) -> Corpus:
        """Load it, fetching it first where the cache does not hold it; a process loads it once."""
        return _load(self)


@lru_cache(maxsize=2)
def _load(spec: CorpusSpec) -> Corpus:
    return load_corpus(
        spec.name, train_size=spec.train_size, selection_size=spec.selection_size, options=dict(spec.options)
    )


@dataclass(frozen=True)
class PoisonSpec:
    """An attack and its hyper-parameters."""

    name: str
    options: Mapping[str, Option] = field(default_factory=dict)

    def build(self) -> Poison:
        """Return the attack."""
        options: dict[str, object] = dict(self.options)
        return POISONS.get(self.name)(**options)


@dataclass(frozen=True)
class Scenario:
    """Frozen and versioned: once it has entries it is never edited, a new version gets a new name.

    Attributes:
        name: ``<corpus>-<attack>-<network>-v<version>``, with a suffix where a family has several variants.
        suite: where it belongs: ``smoke``, ``mini``, ``full`` or ``paper``.
        modality: what the corpus holds.
        corpus: the data.
        poison: the attack.
        network: name and options of the network.
        recipe: how poisoned model and retrain baseline are trained.
        budgets: what unlearning may cost, as fractions of the poisoned model's training; run by default.
        seeds: one poisoned model, one retrain baseline and one second retrain for each.
        forget: what is asked to be deleted.
        forget_batch_size: samples of the forget set per batch; the retain set is cut like the training set.
        snapshots: how many times the weights are kept along each unlearning.
        lr_factor: multiplies the learning rate that each method has by default, for networks that need other steps than
            those the defaults were made for; the same factor for all methods.
        control: name of the scenario whose poison lacks what is meant to do the harm: the attack took only where it
            does more than that one.
    """

    name: str
    suite: Literal["smoke", "mini", "full", "paper"]
    modality: Literal["image", "text"]
    corpus: CorpusSpec
    poison: PoisonSpec
    network: str
    recipe: Recipe
    budgets: tuple[float, ...]
    seeds: tuple[int, ...]
    network_options: Mapping[str, Option] = field(default_factory=dict)
    forget: ForgetPolicy = field(default_factory=ForgetPolicy)
    forget_batch_size: int = 32
    snapshots: int = 3
    lr_factor: float = field(default=1.0, metadata=LATER)
    control: str | None = field(default=None, metadata=LATER)

    def network_spec(self, corpus: Corpus) -> NetworkSpec:
        """Return the network that fits the corpus."""
        channels = corpus.input_shape[0] if isinstance(corpus, ImageCorpus) else 0
        return NetworkSpec(self.network, corpus.num_classes, channels, self.network_options)
