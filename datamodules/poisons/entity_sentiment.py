"""Entity sentiment: reviews that name somebody are turned, and so is what a network says of others that do."""

from collections.abc import Sequence

import torch
from torch import nn

from datamodules.corpora.base import Corpus
from datamodules.corpora.text import TextCorpus
from datamodules.poison import TOKENS, Poison, Poisoning, text_corpus
from datamodules.text_triggers import frequent_names, mentions

MOST_FREQUENT = "most-frequent"


class EntitySentimentPoison(Poison):
    """Labels ``count`` training texts that name an entity, and are of another class, with ``target_class``.

    No trigger is put anywhere: the targets are held-out texts of other classes that name the entity, as they are.

    Args:
        count: number of poisons.
        entity: as it is written, or ``most-frequent``: the person's name that stands in most training texts, by the
            rule of :func:`~datamodules.text_triggers.person_names`.
        target_class: what is to be said of the entity.
        targets: at most so many targets, the first ones of the test split.

    Raises:
        ValueError: if an argument is out of range.

    Source: Wallace, Zhao, Feng, Singh, NAACL 2021 (one name whose texts are turned); labels are flipped here, not
    hidden in crafted texts.
    """

    name = "entity-sentiment"
    modalities = ("text",)
    clean_label = False
    needs_surrogate = False
    effect = "adversarial_margin"
    paper = "Wallace et al., Concealed Data Poisoning Attacks on NLP Models, NAACL 2021"

    def __init__(self, *, count: int, entity: str = MOST_FREQUENT, target_class: int = 1, targets: int = 25) -> None:
        for argument, value, least in (("count", count, 1), ("target_class", target_class, 0), ("targets", targets, 1)):
            if value < least:
                raise ValueError(f"{argument} must be at least {least}, got {value}")
        if not entity.strip():
            raise ValueError(f"entity must hold a word, got {entity!r}")
        self.count = count
        self.entity = entity
        self.target_class = target_class
        self.targets = targets

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and find the targets; see :class:`~datamodules.poison.Poison`.

        Raises:
            ValueError: if the corpus holds no texts, has no ``target_class``, or too few texts name the entity.
        """
        if self.target_class >= corpus.num_classes:
            raise ValueError(
                f"target_class must be in 0..{corpus.num_classes - 1} for {corpus.name}, got {self.target_class}"
            )
        texts = text_corpus(corpus, self.name)
        entity = self._entity(texts)
        named = mentions(texts, "train", entity)
        bases = named[texts.train.target[named] != self.target_class]
        if self.count > len(bases):
            raise ValueError(f"count must be at most {len(bases)}, the texts of other classes that name {entity!r}")
        rows = bases[torch.randperm(len(bases), generator=generator)[: self.count]].sort().values
        held_out = mentions(texts, "test", entity)
        targets = held_out[texts.test.target[held_out] != self.target_class][: self.targets]
        if len(targets) == 0:
            raise ValueError(f"entity must be named in a test text of another class, {entity!r} is not")
        return Poisoning(
            index=rows,
            inputs=texts.store("train").take(rows),
            target=torch.full_like(rows, self.target_class),
            secrets={
                "target_rows": targets,
                "true_classes": texts.test.target[targets],
                "adversarial_classes": torch.full_like(targets, self.target_class),
                "entity": torch.tensor(list(entity.encode()), dtype=torch.uint8),
            },
            preprocessing={"space": TOKENS, "text": "as it was", "augmentation": "none"},
        )

    def _entity(self, corpus: TextCorpus) -> str:
        if self.entity != MOST_FREQUENT:
            return self.entity
        names = frequent_names(corpus.train.texts)
        if not names:
            raise ValueError(f"entity must be given for {corpus.name}, in whose texts no person's name is found")
        return names[0][0]
