"""The contract of an effect: the measurement by which one kind of poison shows itself in a model."""

from abc import abstractmethod
from typing import ClassVar, Literal

from callbacks.measurement import Measurement
from datamodules import Corpus, Poisoning, SampleSet


class Effect(Measurement):
    """A measurement that reads the audit secrets of a poisoning; higher means more poison left.

    Class attributes:
        name: what a poison names as its ``effect``, and the key of its primary value among ``scalars``.
        title: as printed in tables.
        reads: its own audit set, or the clean test set.
    """

    title: ClassVar[str]
    reads: ClassVar[Literal["audit", "test"]] = "audit"
    higher_is_better = False

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(self.reads)
        self.corpus = corpus
        self.poisoning = poisoning

    @abstractmethod
    def audit_set(self) -> SampleSet | None:
        """Return the samples that have to go through the network, or None where it reads the clean test set itself."""
