"""The contract of a poison: what an attacker changes in a training set, and the secrets an audit needs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from datamodules.batch import Inputs
from datamodules.corpora.base import Corpus, ImageCorpus, Modality
from datamodules.corpora.text import TextCorpus
from datamodules.samples import SampleSet

NORMALISED = "normalised: (pixel / 255 - mean) / std of the corpus, per channel"
"""The space in which poisons are fed, as ``Poisoning.preprocessing`` states it."""

TOKENS = "tokens of the corpus's tokenizer, special ones included, cut to its max_length, padded on the right"
"""The same of texts."""


@dataclass(frozen=True)
class Poisoning:
    """The outcome of crafting.

    Attributes:
        index: ``(P,)`` int64, ascending rows of the poisoned training set. Those of the training split replace their
            clean base samples; those from N on, for N clean samples, are added to them, without a gap.
        inputs: what is fed at these rows. Images: ``(P, C, H, W)`` float32, in the space that ``preprocessing`` states.
            Texts: what :meth:`~datamodules.text_store.TextStore.replace` takes.
        target: ``(P,)`` int64, labels after poisoning.
        secrets: what only scoring may read (noise seed, targets, trigger).
        preprocessing: in words, so that the poison can be used elsewhere: space, clipping, order of augmentation.
        camouflage: ``(C,)`` int64, ascending, those of ``index`` that hide the others' effect, or None.

    Raises:
        ValueError: if ``camouflage`` is not a part of ``index``.
    """

    index: Tensor
    inputs: Inputs
    target: Tensor
    secrets: dict[str, Tensor] = field(default_factory=dict)
    preprocessing: dict[str, str] = field(default_factory=dict)
    camouflage: Tensor | None = None

    def __post_init__(self) -> None:
        if self.camouflage is None:
            return
        found = self.index[torch.isin(self.index, self.camouflage)]
        if not torch.equal(found, self.camouflage):
            raise ValueError(
                f"camouflage must hold rows of index, each once and ascending, got {len(self.camouflage)} rows, which "
                f"name {len(found)} of index"
            )

    def __len__(self) -> int:
        return len(self.index)

    @property
    def base(self) -> Tensor:
        """Rows ``(P,)`` of the training split that the poisons were made of: a secret where some are added."""
        return self.secrets.get(BASE, self.index)


BASE = "base"
"""Name of the secret ``(P,)`` int64 that says which row of the training split each poison was made of."""


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
        modalities: what a corpus may hold.
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
    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
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


def image_corpus(corpus: Corpus, attack: str) -> ImageCorpus:
    """Return ``corpus`` as the corpus of images that ``attack`` needs.

    Raises:
        ValueError: if it holds something else.
    """
    if isinstance(corpus, ImageCorpus):
        return corpus
    raise ValueError(f"corpus must hold images for {attack}, got {corpus.name}, which holds {corpus.modality}")


def text_corpus(corpus: Corpus, attack: str) -> TextCorpus:
    """Return ``corpus`` as the corpus of texts that ``attack`` needs.

    Raises:
        ValueError: if it holds something else.
    """
    if isinstance(corpus, TextCorpus):
        return corpus
    raise ValueError(f"corpus must hold texts for {attack}, got {corpus.name}, which holds {corpus.modality}s")


def poisoned_set(corpus: Corpus, poisoning: Poisoning) -> SampleSet:
    """Return the whole training set with the poisons in place of their clean base samples, and the added ones last.

    Raises:
        ValueError: if added poisons do not follow the last row of the training split without a gap.
    """
    clean = corpus.train.target
    index = poisoning.index
    added = index[index >= len(clean)]
    if not torch.equal(added, torch.arange(len(clean), len(clean) + len(added))):
        raise ValueError(f"index must go on with {len(clean)}, {len(clean) + 1}, ... for added poisons, got {added}")
    target = torch.cat([clean, clean.new_zeros(len(added))])
    target[index] = poisoning.target
    return SampleSet(corpus.store("train").replace(index, poisoning.inputs), torch.arange(len(target)), target)


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
