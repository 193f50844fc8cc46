"""Augmentation of whole batches of images, on the device where they lie."""

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules.batch import Inputs
from datamodules.loaders import Augmentation


def flip_and_crop(images: Tensor, generator: torch.Generator, *, padding: int) -> Tensor:
    """Flip each image with probability 1/2 and shift it by up to ``padding`` pixels, reflecting at the border.

    Args:
        images: ``(N, C, H, W)`` float32.
        generator: a generator on the device of ``images``.
        padding: largest shift in pixels, smaller than H and W.

    Returns:
        ``(N, C, H, W)`` float32, a new tensor.
    """
    count, channels, height, width = images.shape
    device = images.device
    padded = F.pad(images, (padding,) * 4, mode="reflect")
    down, right = torch.randint(2 * padding + 1, (2, count, 1), generator=generator, device=device)
    flip = torch.rand(count, 1, generator=generator, device=device) < 0.5
    rows = down + torch.arange(height, device=device)
    columns = torch.arange(width, device=device)
    columns = right + torch.where(flip, width - 1 - columns, columns)
    cell = rows.unsqueeze(2) * padded.shape[3] + columns.unsqueeze(1)
    flat = padded.reshape(count, channels, -1)
    return flat.gather(2, cell.view(count, 1, -1).expand(-1, channels, -1)).view(count, channels, height, width)


def build_augmentation(name: str) -> Augmentation | None:
    """Return the augmentation a recipe names: ``none`` or ``flip-crop`` (reflect padding of an eighth of the height).

    Raises:
        ValueError: if the name is unknown.
    """
    if name == "none":
        return None
    if name == "flip-crop":
        return _flip_and_crop_images
    raise ValueError(f"augmentation must be 'none' or 'flip-crop', got {name!r}")


def _flip_and_crop_images(inputs: Inputs, generator: torch.Generator) -> Inputs:
    if not isinstance(inputs, Tensor):
        raise TypeError("flip-crop augments images, got inputs of another modality")
    return flip_and_crop(inputs, generator, padding=max(1, inputs.shape[2] // 8))
