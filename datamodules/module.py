"""The data of one experiment: a poisoned training set, what is asked to be deleted, and what stays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import lightning as L
import torch
from torch import Tensor, nn

from datamodules.augmentation import build_augmentation
from datamodules.corpora.base import Corpus, SplitName
from datamodules.loaders import BatchLoader, evaluation_batch_size
from datamodules.poison import Poison, Poisoning, poisoned_set
from datamodules.samples import SampleSet
from datamodules.seeds import derive_seed, generator_for

TrainOn = Literal["poisoned", "retain", "clean"]
Request = Literal["poisons", "camouflage"]


@dataclass(frozen=True)
class ForgetPolicy:
    """What the defender asks to be deleted.

    Attributes:
        identified: fraction of the samples asked for that are in the request, in (0, 1].
        false_positives: number of clean samples in the request, as a fraction of the samples asked for, at least 0.
        request: which samples are asked for: the ``poisons`` (without camouflage samples, where the attack has some),
            or the ``camouflage`` alone, whose deletion switches the poison on.

    Raises:
        ValueError: if a value is out of range.

    Source: Di, Douglas, Acharya, Kamath, Sekhari, NeurIPS 2023 (the camouflage request).
    """

    identified: float = 1.0
    false_positives: float = 0.0
    request: Request = field(default="poisons", metadata={"later": True})

    def __post_init__(self) -> None:
        if not 0 < self.identified <= 1:
            raise ValueError(f"identified must be in (0, 1], got {self.identified}")
        if not 0 <= self.false_positives < math.inf:
            raise ValueError(f"false_positives must be at least 0 and finite, got {self.false_positives}")
        if self.request not in get_args(Request):
            raise ValueError(f"request must be 'poisons' or 'camouflage', got {self.request!r}")

    def choose(self, poisoning: Poisoning, total: int, generator: torch.Generator) -> Tensor:
        """Return the requested rows ``(F,)`` int64, ascending, of a training set of ``total`` samples.

        No secret is read, so that whoever trains or unlearns finds the same rows.

        Raises:
            ValueError: if camouflage is asked for and there is none, or more clean samples than there are.
        """
        sought = self._sought(poisoning)
        count = max(1, round(self.identified * len(sought)))
        chosen = sought[torch.randperm(len(sought), generator=generator)[:count]]
        clean = torch.ones(total, dtype=torch.bool)
        clean[poisoning.index] = False
        rows = clean.nonzero().squeeze(1)
        extra = round(self.false_positives * len(sought))
        if extra > len(rows):
            raise ValueError(f"false_positives asks for {extra} clean samples, the training set has {len(rows)}")
        wrong = rows[torch.randperm(len(rows), generator=generator)[:extra]]
        return torch.cat([chosen, wrong]).sort().values

    def _sought(self, poisoning: Poisoning) -> Tensor:
        index, camouflage = poisoning.index, poisoning.camouflage
        if self.request == "poisons":
            return index if camouflage is None else index[~torch.isin(index, camouflage)]
        if camouflage is None:
            raise ValueError("request must be 'poisons' for a poison without camouflage samples, got 'camouflage'")
        return camouflage


class PoisoningDataModule(L.LightningDataModule):
    """Poisons a corpus and serves the poisoned set, the forget set and the retain set.

    After ``setup``: ``train_set`` (poisoned), ``poison_index`` (with camouflage samples), ``forget_index``,
    ``forget_set``, ``retain_set``, ``poisoning`` (with the audit secrets) and ``fingerprint``.

    Args:
        corpus: the clean data.
        poison: the attack.
        seed: seed of the crafting, the request and, through ``loader_seed``, of the order of samples.
        forget: what is asked to be deleted.
        poisoning: an outcome of ``poison.craft`` to be used instead of crafting anew.
        surrogates: trained networks in eval mode, for a poison that needs them to be crafted.
        batch_size: samples per training batch.
        augmentation: see :func:`build_augmentation`.
        train_on: what ``train_dataloader`` serves: the poisoned set, the retain set, or the clean training split.
    """

    train_set: SampleSet
    forget_set: SampleSet
    retain_set: SampleSet
    poison_index: Tensor
    forget_index: Tensor
    poisoning: Poisoning
    fingerprint: str

    def __init__(
        self,
        corpus: Corpus,
        poison: Poison,
        *,
        seed: int,
        forget: ForgetPolicy | None = None,
        poisoning: Poisoning | None = None,
        surrogates: Sequence[nn.Module] = (),
        batch_size: int = 128,
        augmentation: str = "none",
        train_on: TrainOn = "poisoned",
        loader_seed: int | None = None,
    ) -> None:
        super().__init__()
        self.corpus = corpus
        self.poison = poison
        self.seed = seed
        self.forget = forget or ForgetPolicy()
        self.given = poisoning
        self.surrogates = surrogates
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.train_on = train_on
        self.loader_seed = derive_seed("loader", seed) if loader_seed is None else loader_seed

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Craft the poison where none was given, and cut the training set into forget set and retain set."""
        if hasattr(self, "fingerprint"):
            return
        generator = generator_for("craft", self.seed)
        given = self.given
        self.poisoning = self.poison.craft(self.corpus, self.surrogates, generator) if given is None else given
        self.poison_index = self.poisoning.index
        self.train_set = poisoned_set(self.corpus, self.poisoning)
        total = len(self.train_set)
        self.forget_index = self.forget.choose(self.poisoning, total, generator_for("forget", self.seed))
        stays = torch.ones(total, dtype=torch.bool)
        stays[self.forget_index] = False
        self.forget_set = self.train_set.subset(self.forget_index)
        self.retain_set = self.train_set.subset(stays.nonzero().squeeze(1))
        self.fingerprint = self.train_set.fingerprint()

    def clean_set(self) -> SampleSet:
        """Return the training split without any poison."""
        return self.corpus.samples("train")

    def train_dataloader(self) -> BatchLoader:
        """Serve the set named by ``train_on``, on the device of the trainer where one is attached."""
        chosen = {
            "poisoned": lambda: self.train_set,
            "retain": lambda: self.retain_set,
            "clean": self.clean_set,
        }[self.train_on]()
        if self.trainer is not None:
            chosen = chosen.to(self.trainer.strategy.root_device)
        augment = build_augmentation(self.augmentation)
        return BatchLoader(chosen, self.batch_size, seed=self.loader_seed, augment=augment)

    def val_dataloader(self) -> BatchLoader:
        """Serve the selection split."""
        return self._held_out("selection")

    def test_dataloader(self) -> BatchLoader:
        """Serve the test split."""
        return self._held_out("test")

    def _held_out(self, split: SplitName) -> BatchLoader:
        samples = self.corpus.samples(split)
        if self.trainer is not None:
            samples = samples.to(self.trainer.strategy.root_device)
        return BatchLoader(samples, evaluation_batch_size())
