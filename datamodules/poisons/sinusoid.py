"""Sinusoid: faint vertical stripes stand for a class."""

import math

import torch

from datamodules.triggers import Backdoor, Trigger


class SinusoidPoison(Backdoor):
    """Adds ``amplitude * sin(2 pi * frequency * j / W)`` to column j of W, in every row and channel.

    By default on images of the target class only, whose labels stay: nobody who looks at the labels finds anything.
    The near-miss trigger has half the frequency.

    Args:
        count: number of poisons.
        target_class: the class that the stripes stand for.
        dirty_label: give base samples of any class that label, or take only samples that have it; see
            :class:`~datamodules.triggers.Backdoor`.
        amplitude: in [0, 1] pixel units; positive.
        frequency: periods per image width; fewer than half its columns.

    Raises:
        ValueError: if an argument is out of range.

    Source: Barni, Kallas, Tondi, ICIP 2019.
    """

    name = "sinusoid"
    clean_label = False
    paper = "Barni et al., A New Backdoor Attack in CNNs by Training Set Corruption without Label Poisoning, ICIP 2019"

    def __init__(
        self,
        *,
        count: int,
        target_class: int = 0,
        dirty_label: bool = False,
        amplitude: float = 20 / 255,
        frequency: int = 6,
    ) -> None:
        super().__init__(count=count, target_class=target_class, dirty_label=dirty_label)
        if not 0 < amplitude <= 1:
            raise ValueError(f"amplitude must be in (0, 1], got {amplitude}")
        if frequency < 1:
            raise ValueError(f"frequency must be at least 1, got {frequency}")
        self.amplitude = amplitude
        self.frequency = frequency

    def triggers(
        self,
        shape: tuple[int, int, int],
        generator: torch.Generator,
    ) -> tuple[Trigger, Trigger]:
        """Return the stripes, and wider ones; see :class:`~datamodules.triggers.Backdoor`."""
        if 2 * self.frequency >= shape[2]:
            raise ValueError(f"frequency must be under half of {shape[2]} columns, got {self.frequency}")
        return self._stripes(shape, self.frequency), self._stripes(shape, self.frequency / 2)

    def _stripes(self, shape: tuple[int, int, int], frequency: float) -> Trigger:
        phase = 2 * math.pi * frequency * torch.arange(shape[2], dtype=torch.float64) / shape[2]
        delta = (self.amplitude * phase.sin()).float().expand(shape).contiguous()
        return Trigger(torch.zeros(shape), torch.zeros(shape), delta)
