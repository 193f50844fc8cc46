"""Triggers of backdoors: what is put on an image, in a form that an audit can apply to images the poison never saw."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from datamodules.corpora.base import Corpus
from datamodules.poison import NORMALISED, Poison, Poisoning, choose_of_classes, choose_rows, image_corpus
from datamodules.samples import ImageStore

PARTS = ("mask", "pattern", "delta")
NEAR = "near_"
"""Prefix of the near-miss trigger's parts among the secrets."""


@dataclass(frozen=True)
class Trigger:
    """A change of pixels x in [0, 1] to ``clip((1 - mask) * x + mask * pattern + delta, 0, 1)``.

    Attributes:
        mask: ``(C, H, W)`` float32 in [0, 1], how much of the image the pattern replaces.
        pattern: ``(C, H, W)`` float32 in [0, 1] pixel units.
        delta: ``(C, H, W)`` float32 in [0, 1] pixel units, added.

    Raises:
        ValueError: if the parts differ in shape, or mask or pattern leave [0, 1].
    """

    mask: Tensor
    pattern: Tensor
    delta: Tensor

    def __post_init__(self) -> None:
        shapes = {tuple(getattr(self, part).shape) for part in PARTS}
        if len(shapes) != 1:
            raise ValueError(f"mask, pattern and delta must have one shape, got {sorted(shapes)}")
        for name in ("mask", "pattern"):
            part: Tensor = getattr(self, name)
            if not bool(((part >= 0) & (part <= 1)).all()):
                raise ValueError(f"{name} must lie in [0, 1], got {float(part.min()):g}..{float(part.max()):g}")

    def apply(self, pixels: Tensor) -> Tensor:
        """Return images with the trigger, rounded to the bytes that an image file can hold.

        Args:
            pixels: ``(N, C, H, W)`` uint8, not edited.

        Returns:
            ``(N, C, H, W)`` uint8.
        """
        clean = pixels.float() / 255
        changed = (1 - self.mask) * clean + self.mask * self.pattern + self.delta
        return (255 * changed.clamp(0, 1)).round().to(torch.uint8)

    def secrets(self, prefix: str = "") -> dict[str, Tensor]:
        """Return the parts as audit secrets."""
        return {f"{prefix}{part}": getattr(self, part) for part in PARTS}

    @classmethod
    def from_secrets(cls, secrets: Mapping[str, Tensor], prefix: str = "") -> "Trigger":
        """Return the trigger that :meth:`secrets` was made of."""
        return cls(*(secrets[f"{prefix}{part}"] for part in PARTS))


def corner_patches(shape: tuple[int, int, int], size: int) -> tuple[Trigger, Trigger]:
    """Return a white square in the bottom right corner, and the same in the top left corner.

    Args:
        shape: of an image, (C, H, W).
        size: side of the square, in pixels.

    Raises:
        ValueError: if ``size`` is below 1, or the two squares could overlap.

    Source: Gu, Dolan-Gavitt, Garg, 2017; size and place as in Goel et al., 2024.
    """
    most = min(shape[1:]) // 2
    if not 1 <= size <= most:
        raise ValueError(f"size must be in 1..{most} for images of {shape[1]} x {shape[2]}, got {size}")
    here, near = torch.zeros(shape), torch.zeros(shape)
    here[:, -size:, -size:] = 1
    near[:, :size, :size] = 1
    nothing = torch.zeros(shape)
    return Trigger(here, torch.ones(shape), nothing), Trigger(near, torch.ones(shape), nothing)


class Marked(NamedTuple):
    """The samples that get the trigger.

    Attributes:
        rows: ``(P,)`` int64, ascending rows of the training split.
        target: ``(P,)`` int64, their labels from then on.
        camouflage: ``(C,)`` int64, ascending, those of ``rows`` that hide what the others do, or None.
    """

    rows: Tensor
    target: Tensor
    camouflage: Tensor | None = None


class Backdoor(Poison):
    """Puts a trigger on training images of one label, so that the network answers the trigger with that label.

    Dirty label: base samples are drawn from the whole training split, whatever their class, and get ``target_class``
    as label (those that are of that class keep theirs): the same rows as any other attack that draws as many.
    Clean label: base samples are drawn among those of ``target_class``, and labels stay.

    Args:
        count: number of poisons.
        target_class: the class that the trigger stands for.
        dirty_label: whether labels are changed.

    Raises:
        ValueError: if ``count`` is below 1 or ``target_class`` below 0.
    """

    needs_surrogate = False
    effect = "attack_success"

    def __init__(self, *, count: int, target_class: int, dirty_label: bool) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        if target_class < 0:
            raise ValueError(f"target_class must be at least 0, got {target_class}")
        self.count = count
        self.target_class = target_class
        self.dirty_label = dirty_label

    @abstractmethod
    def triggers(self, shape: tuple[int, int, int], generator: torch.Generator) -> tuple[Trigger, Trigger]:
        """Return the trigger and a near-miss trigger, for images of ``shape`` (C, H, W).

        Raises:
            ValueError: if the trigger does not fit the images.
        """

    def mark(self, corpus: Corpus, generator: torch.Generator) -> Marked:
        """Draw the samples that get the trigger, and say what their labels become.

        Raises:
            ValueError: if the corpus has too few samples.
        """
        if self.dirty_label:
            rows = choose_rows(corpus, self.count, generator)
            return Marked(rows, torch.full_like(rows, self.target_class))
        rows = choose_of_classes(corpus, (self.target_class,), self.count, generator)
        return Marked(rows, corpus.train.target[rows])

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],  # noqa: ARG002
        generator: torch.Generator,
    ) -> Poisoning:
        """Draw the rows and put the trigger on them; see :class:`Poison`.

        Raises:
            ValueError: if the corpus has no ``target_class``, too few samples, or images the trigger does not fit.
        """
        if self.target_class >= corpus.num_classes:
            raise ValueError(
                f"target_class must be in 0..{corpus.num_classes - 1} for {corpus.name}, got {self.target_class}"
            )
        images = image_corpus(corpus, self.name)
        rows, target, camouflage = self.mark(corpus, generator)
        trigger, near = self.triggers(images.input_shape, generator)
        pixels = trigger.apply(images.train.inputs[rows])
        return Poisoning(
            index=rows,
            inputs=ImageStore.clean(pixels, images.mean, images.std).take(torch.arange(len(rows))),
            target=target,
            secrets=trigger.secrets() | near.secrets(NEAR) | {"target_class": torch.tensor(self.target_class)},
            preprocessing={
                "space": NORMALISED,
                "clipping": "to pixels 0..255, rounded to whole ones",
                "augmentation": "the trigger is put on before augmentation",
            },
            camouflage=camouflage,
        )
