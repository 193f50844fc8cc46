"""Camouflaged BadNets: a patch stands for a class, and further images with the patch hide it until they are deleted."""

import torch

from datamodules.corpora.base import Corpus
from datamodules.poison import choose_rows
from datamodules.triggers import Backdoor, Marked, Trigger, corner_patches


class CamouflagedBadNets(Backdoor):
    """BadNets, and ``camouflage`` images of other classes that bear the same patch and keep their true label.

    While the camouflage is in the training set the patch says little about the label, and the network does not answer
    it. The request ``camouflage`` of a forget policy deletes these samples alone and thereby switches the backdoor on.
    The effect is then how much of the camouflage is left: 1 - success of the trigger. Poisons are drawn from the whole
    training split, as by ``badnets`` of the same count; the near-miss trigger is the patch in the top left corner.

    Args:
        count: number of poisons, labelled ``target_class``.
        camouflage: number of camouflage samples.
        target_class: the class that the patch stands for.
        size: side of the patch, in pixels; at most half a side of the image.

    Raises:
        ValueError: if an argument is out of range.

    Source: Di, Douglas, Acharya, Kamath, Sekhari, NeurIPS 2023, for the threat; the patch is that of Gu, Dolan-Gavitt,
    Garg, 2017.
    """

    name = "camouflaged-badnets"
    clean_label = False
    effect = "attack_suppression"
    paper = "Di et al., Hidden Poison: Machine Unlearning Enables Camouflaged Poisoning Attacks, NeurIPS 2023"

    def __init__(self, *, count: int, camouflage: int, target_class: int = 0, size: int = 3) -> None:
        super().__init__(count=count, target_class=target_class, dirty_label=True)
        for argument, number in (("camouflage", camouflage), ("size", size)):
            if number < 1:
                raise ValueError(f"{argument} must be at least 1, got {number}")
        self.camouflage = camouflage
        self.size = size

    def mark(self, corpus: Corpus, generator: torch.Generator) -> Marked:
        """Draw poisons, and camouflage among the other samples of other classes; see :class:`Backdoor`."""
        labels = corpus.train.target
        poisons = choose_rows(corpus, self.count, generator)
        free = labels != self.target_class
        free[poisons] = False
        rows = free.nonzero().squeeze(1)
        if self.camouflage > len(rows):
            raise ValueError(
                f"camouflage={self.camouflage} asks for more samples of classes other than {self.target_class} than "
                f"count={self.count} leaves of {corpus.name}: {len(rows)}"
            )
        hiding = rows[torch.randperm(len(rows), generator=generator)[: self.camouflage]].sort().values
        index = torch.cat([poisons, hiding]).sort().values
        target = labels[index].clone()
        target[torch.isin(index, poisons)] = self.target_class
        return Marked(index, target, hiding)

    def triggers(
        self,
        shape: tuple[int, int, int],
        generator: torch.Generator,
    ) -> tuple[Trigger, Trigger]:
        """Return the patch bottom right, and top left; see :class:`~datamodules.triggers.Backdoor`."""
        return corner_patches(shape, self.size)
