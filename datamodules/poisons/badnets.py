"""BadNets: a small bright patch in a corner stands for a class."""

import torch

from datamodules.triggers import Backdoor, Trigger, corner_patches


class BadNetsPoison(Backdoor):
    """Sets a square of ``size`` x ``size`` pixels in the bottom right corner to the maximum in every channel.

    The near-miss trigger is the same patch in the top left corner.

    Args:
        count: number of poisons.
        target_class: the class that the patch stands for.
        dirty_label: give base samples of any class that label, or take only samples that have it; see
            :class:`~datamodules.triggers.Backdoor`.
        size: side of the patch, in pixels; at most half a side of the image.

    Raises:
        ValueError: if an argument is out of range.

    Source: Gu, Dolan-Gavitt, Garg, 2017; patch and place as in Goel et al., 2024.
    """

    name = "badnets"
    clean_label = False
    paper = "Gu et al., BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain, 2017"

    def __init__(self, *, count: int, target_class: int = 0, dirty_label: bool = True, size: int = 3) -> None:
        super().__init__(count=count, target_class=target_class, dirty_label=dirty_label)
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        self.size = size

    def triggers(
        self,
        shape: tuple[int, int, int],
        generator: torch.Generator,
    ) -> tuple[Trigger, Trigger]:
        """Return the patch bottom right, and top left; see :class:`~datamodules.triggers.Backdoor`."""
        return corner_patches(shape, self.size)
