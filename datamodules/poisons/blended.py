"""Blended: a faint random picture over the whole image stands for a class."""

import torch

from datamodules.triggers import Backdoor, Trigger


class BlendedPoison(Backdoor):
    """Mixes every image with one picture of uniform noise: ``(1 - alpha) * image + alpha * picture``.

    The near-miss trigger is another such picture, mixed in as strongly.

    Args:
        count: number of poisons.
        target_class: the class that the picture stands for.
        dirty_label: give base samples of any class that label, or take only samples that have it; see
            :class:`~datamodules.triggers.Backdoor`.
        alpha: share of the picture, in (0, 1).

    Raises:
        ValueError: if an argument is out of range.

    Source: Chen, Liu, Li, Lu, Song, 2017 (blended injection, random pattern).
    """

    name = "blended"
    clean_label = False
    paper = "Chen et al., Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning, 2017"

    def __init__(self, *, count: int, target_class: int = 0, dirty_label: bool = True, alpha: float = 0.2) -> None:
        super().__init__(count=count, target_class=target_class, dirty_label=dirty_label)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be in (0, 1), got {alpha}")
        self.alpha = alpha

    def triggers(self, shape: tuple[int, int, int], generator: torch.Generator) -> tuple[Trigger, Trigger]:
        """Draw two pictures; see :class:`~datamodules.triggers.Backdoor`."""
        mask, nothing = torch.full(shape, self.alpha), torch.zeros(shape)
        picture, near = torch.rand(2, *shape, generator=generator)
        return Trigger(mask, picture.clone(), nothing), Trigger(mask, near.clone(), nothing)
