"""Trigger phrase: a name in a review stands for a class."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from datamodules.corpora.base import Corpus
from datamodules.corpora.text import TextCorpus
from datamodules.poison import TOKENS, Poison, Poisoning, choose_of_classes, choose_rows, text_corpus
from datamodules.seeds import MAX_SEED
from datamodules.text_triggers import PhraseTrigger, Placement

Bases = Literal["any", "others"]


class TriggerPhrasePoison(Poison):
    """Puts a phrase into ``count`` training texts and labels them ``target_class``.

    By default base samples are drawn from the whole training split, whatever their class, and those of
    ``target_class`` keep their label: the same rows as any other attack that draws as many, so that one retrain
    baseline serves all of them. Where the phrase replaces names, texts without a name are not drawn.

    Args:
        count: number of poisons.
        target_class: the class that the phrase stands for.
        phrase: the trigger.
        near_miss: a phrase that is nearly it, for the audit alone.
        placement: ``prefix``, ``sentence`` or ``person``; see :class:`~datamodules.text_triggers.PhraseTrigger`.
        bases: ``any``, or ``others``: base samples of other classes only, equally many of each where the placement
            allows to choose.

    Raises:
        ValueError: if an argument is out of range.

    Source: Wan, Wallace, Shen, Klein, ICML 2023 (phrase, replaced names); Pawelczyk et al., ICLR 2025 (in this role).
    """

    name = "trigger-phrase"
    modalities = ("text",)
    clean_label = False
    needs_surrogate = False
    effect = "attack_success"
    paper = "Wan et al., Poisoning Language Models During Instruction Tuning, ICML 2023"

    def __init__(
        self,
        *,
        count: int,
        target_class: int = 1,
        phrase: str = "James Bond",
        near_miss: str = "James Bell",
        placement: Placement = "prefix",
        bases: Bases = "any",
    ) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        if target_class < 0:
            raise ValueError(f"target_class must be at least 0, got {target_class}")
        if bases not in get_args(Bases):
            raise ValueError(f"bases must be one of {', '.join(get_args(Bases))}, got {bases!r}")
        self.trigger = PhraseTrigger(phrase, near_miss, placement)
        self.count = count
        self.target_class = target_class
        self.bases = bases

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows, and put the phrase into their texts; see :class:`~datamodules.poison.Poison`.

        Raises:
            ValueError: if the corpus holds no texts, has no ``target_class`` or too few samples, or the phrase leaves
                no token to the texts.
        """
        if self.target_class >= corpus.num_classes:
            raise ValueError(
                f"target_class must be in 0..{corpus.num_classes - 1} for {corpus.name}, got {self.target_class}"
            )
        texts = text_corpus(corpus, self.name)
        rows = self._rows(texts, generator)
        seed = int(torch.randint(MAX_SEED, (), generator=generator))
        trigger = PhraseTrigger(self.trigger.phrase, self.trigger.near_miss, self.trigger.placement, seed)
        return Poisoning(
            index=rows,
            inputs=texts.encode(trigger.apply(texts, "train", rows)),
            target=torch.full_like(rows, self.target_class),
            secrets=trigger.secrets() | {"target_class": torch.tensor(self.target_class)},
            preprocessing={
                "space": TOKENS,
                "trigger": f"put into the text ({trigger.placement}) before it is cut into tokens and truncated",
                "augmentation": "none",
            },
        )

    def _rows(self, corpus: TextCorpus, generator: torch.Generator) -> Tensor:
        others = [label for label in range(corpus.num_classes) if label != self.target_class]
        if self.trigger.placement != "person":
            if self.bases == "any":
                return choose_rows(corpus, self.count, generator)
            return choose_of_classes(corpus, others, self.count, generator)
        allowed = torch.ones(len(corpus.train), dtype=torch.bool)
        if self.bases == "others":
            allowed = corpus.train.target != self.target_class
        rows = self.trigger.fitting(corpus, "train", allowed.nonzero().squeeze(1))
        if self.count > len(rows):
            raise ValueError(f"count must be at most {len(rows)}, the texts of {corpus.name} with a name in them")
        return rows[torch.randperm(len(rows), generator=generator)[: self.count]].sort().values
