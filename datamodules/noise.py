"""Gaussian noise that is a pure function of a seed, drawn on the CPU so that every device sees the same."""

import torch
from torch import Tensor

from datamodules.seeds import derive_seed


def gaussian_noise(seed: int, rows: Tensor, shape: tuple[int, ...], variance: float) -> Tensor:
    """Return the noise of ``rows`` of images: a pure function of the seed and of each row alone.

    Args:
        seed: the attacker's secret.
        rows: ``(P,)`` int64 rows of the training split.
        shape: shape of one image.
        variance: variance of each coordinate, in squared units of normalised space.

    Returns:
        ``(P, *shape)`` float32, on the CPU.
    """
    noise = torch.empty(len(rows), *shape)
    for position, row in enumerate(rows.tolist()):
        generator = torch.Generator().manual_seed(derive_seed("gaussian-noise", seed, row))
        noise[position] = torch.randn(shape, generator=generator)
    return noise.mul_(variance**0.5)


def noise_of(seed: int, length: int, width: int, std: float) -> Tensor:
    """Return the noise on the embeddings of one text: a pure function of the arguments.

    Args:
        seed: of this text alone, from 0 to 2**63 - 1.
        length: how many tokens it has; padding gets no noise.
        width: coordinates of an embedding.
        std: standard deviation of each coordinate, in units of the embeddings.

    Returns:
        ``(length, width)`` float32 on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(length, width, generator=generator).mul_(std)


def noise_seeds(seed: int, rows: Tensor) -> Tensor:
    """Return the seeds ``(P,)`` int64 of the noise on the texts at ``rows`` ``(P,)``, from the attacker's secret."""
    return torch.tensor([derive_seed("embedding-noise", seed, row) for row in rows.tolist()], dtype=torch.int64)


def embedding_noise(seed: int, rows: Tensor, lengths: Tensor, width: int, variance: float) -> Tensor:
    """Return the noise on the embeddings of texts: of each row a pure function of the seed, the row and its length.

    Args:
        seed: the attacker's secret.
        rows: ``(P,)`` int64 rows of the training split.
        lengths: ``(P,)`` int64, how many tokens each has.
        width: coordinates of an embedding.
        variance: variance of each coordinate, in squared units of the embeddings.

    Returns:
        ``(P, L, width)`` float32 on the CPU, L the greatest length; zero behind each row's own.
    """
    noise = torch.zeros(len(rows), int(lengths.max()), width)
    for place, (own, length) in enumerate(zip(noise_seeds(seed, rows).tolist(), lengths.tolist(), strict=True)):
        noise[place, :length] = noise_of(own, length, width, variance**0.5)
    return noise
