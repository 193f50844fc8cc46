"""The contract of a poison: what an attacker changes in a training set, and the secrets an audit needs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from datamodules.corpora.base import Corpus
from datamodules.samples import ImageStore, SampleSet

NORMALISED = "normalised: (pixel / 255 - mean) / std of the corpus, per channel"
"""The space in which poisons are fed, as ``Poisoning.preprocessing`` states it."""


@dataclass(frozen=True)
class Poisoning:
    """The outcome of crafting.

    Attributes:
        index: ``(P,)`` int64, ascending rows of the training split that are poisoned.
        inputs: ``(P, C, H, W)`` float32, what is fed instead of the clean base samples, in the space that
            ``preprocessing`` states.
        target: ``(P,)`` int64, labels after poisoning.
        secrets: what only scoring may read (noise seed, targets, trigger).
        preprocessing: in words, so that the poison can be used elsewhere: space, clipping, order of augmentation.
    """

    index: Tensor
    inputs: Tensor
    target: Tensor
    secrets: dict[str, Tensor] = field(default_factory=dict)
    preprocessing: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)


class Workbench(Protocol):
    """Where a long crafting keeps what it has finished, and says how far it is."""

    def load(self, name: str) -> dict[str, Tensor] | None:
        """Return what an earlier, killed crafting saved under ``name``, or None."""
        ...

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep ``tensors`` under ``name``."""
        ...

    def report(self, text: str) -> None:
        """Say how far the crafting is, in a few words."""
        ...


class EmptyWorkbench:
    """A workbench that keeps nothing and says nothing."""

    def load(self, name: str) -> dict[str, Tensor] | None:  # noqa: ARG002
        """Return None."""
        return None

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Do nothing."""

    def report(self, text: str) -> None:
        """Do nothing."""


class Poison(ABC):
    """An attack. Its hyper-parameters are the arguments of ``__init__``; one file, one class.

    Class attributes:
        name: short, lower case, unique.
        clean_label: whether all labels stay as they are.
        needs_surrogate: whether ``craft`` has to be handed a trained network.
        effect: name of the measurement by which the poison shows itself in a model.
        paper: authors, title, year.

    Attributes:
        num_surrogates: how many trained networks ``craft`` is handed, where ``needs_surrogate`` is True.
        surrogate_epochs: how long each of them is trained, by the victim's recipe; None: as long as the victim.
        workbench: lets a long crafting be resumed and followed.
    """

    name: ClassVar[str]
    clean_label: ClassVar[bool]
    needs_surrogate: ClassVar[bool]
    effect: ClassVar[str]
    paper: ClassVar[str]
    num_surrogates: int = 1
    surrogate_epochs: int | None = None
    workbench: Workbench = EmptyWorkbench()

    @abstractmethod
    def craft(self, corpus: Corpus, surrogates: Sequence[nn.Module], generator: torch.Generator) -> Poisoning:
        """Poison the training split of ``corpus``; neither it nor the surrogates are edited.

        Args:
            corpus: where the clean base samples come from.
            surrogates: networks in eval mode that were trained on the clean training split; none where
                ``needs_surrogate`` is False.
            generator: the only source of randomness.
        """


def normalised_store(corpus: Corpus) -> ImageStore:
    """Return the clean training inputs of ``corpus``, fed in normalised space."""
    return ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std)


def poisoned_set(corpus: Corpus, poisoning: Poisoning) -> SampleSet:
    """Return the whole training set with the poisons in place of their clean base samples."""
    store = normalised_store(corpus).replace(poisoning.index, poisoning.inputs)
    target = corpus.train.target.clone()
    target[poisoning.index] = poisoning.target
    return SampleSet(store, torch.arange(len(target)), target)


def choose_rows(corpus: Corpus, count: int, generator: torch.Generator) -> Tensor:
    """Draw ``count`` training rows without replacement, ascending.

    Raises:
        ValueError: if ``count`` is not in 1..N-1 for the N samples of the training split.
    """
    total = len(corpus.train.target)
    if not 1 <= count < total:
        raise ValueError(f"count must be in 1..{total - 1} for a training split of {total} samples, got {count}")
    return torch.randperm(total, generator=generator)[:count].sort().values


def choose_of_classes(corpus: Corpus, classes: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    """Draw ``count`` training rows of the given classes without replacement, equally many of each, ascending.

    Where ``count`` does not divide evenly the first classes give one more.

    Raises:
        ValueError: if a class has too few samples.
    """
    chosen = []
    for place, label in enumerate(classes):
        share = count // len(classes) + (place < count % len(classes))
        rows = (corpus.train.target == label).nonzero().squeeze(1)
        if share > len(rows):
            raise ValueError(f"count={count} asks for {share} samples of class {label}, {corpus.name} has {len(rows)}")
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[:share]])
    return torch.cat(chosen).sort().values
