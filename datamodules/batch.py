"""What networks, training and unlearners eat: batches of samples that do not say which modality they are."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Inputs = Tensor | dict[str, Tensor]
"""Images: ``(N, C, H, W)`` float32.

Text: a mapping with ``input_ids`` and ``attention_mask``, each ``(N, L)`` int64 and padded on the right, and, where a
poison put noise on the embeddings of some of them, ``embedding_noise`` ``(N, L, D)`` float32.
"""

EMBEDDING_NOISE = "embedding_noise"
"""Key of the noise among the inputs of a text."""

Phase = Literal["retain", "forget", "paired", "mixed"]
"""What one step of an unlearner reads; see :class:`UnlearnBatch`."""


class Batch(NamedTuple):
    """Some samples.

    Attributes:
        inputs: what the network is called with.
        target: ``(N,)`` int64, the labels.
        index: ``(N,)`` int64, the samples' rows in the training set.
    """

    inputs: Inputs
    target: Tensor
    index: Tensor  # type: ignore[assignment]  # the field's word; tuple.index is not used


class UnlearnBatch(NamedTuple):
    """What an unlearner's ``training_step`` receives.

    Attributes:
        forget: samples that were asked to be deleted, or None.
        retain: samples that stay, or None.
        phase: ``"retain"`` and ``"forget"`` fill their own side only; ``"paired"`` fills both from two independent
            passes; ``"mixed"`` is one batch of a pass over the *whole* training set, cut into its forget and its retain
            samples, where either side may be None by chance.
    """

    forget: Batch | None
    retain: Batch | None
    phase: Phase


def batch_size(inputs: Inputs) -> int:
    """Return the number of samples in ``inputs``."""
    first = inputs if isinstance(inputs, Tensor) else next(iter(inputs.values()))
    return int(first.shape[0])


def map_inputs(inputs: Inputs, function: Callable[[Tensor], Tensor]) -> Inputs:
    """Apply ``function`` to every tensor of ``inputs``."""
    if isinstance(inputs, Tensor):
        return function(inputs)
    return {key: function(value) for key, value in inputs.items()}


def join_inputs(parts: list[Inputs]) -> Inputs:
    """Concatenate inputs of the same kind along the sample axis.

    Texts are padded with zeros to the longest; where some parts have noise on their embeddings, the others get none.
    """
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat([part for part in parts if isinstance(part, Tensor)])
    texts = [part for part in parts if isinstance(part, dict)]
    length = max(part["input_ids"].shape[1] for part in texts)
    noises = [part[EMBEDDING_NOISE] for part in texts if EMBEDDING_NOISE in part]
    if noises:
        texts = [_with_noise(part, like=noises[0]) for part in texts]
    return {key: torch.cat([_lengthened(part[key], length) for part in texts]) for key in texts[0]}


def _lengthened(tensor: Tensor, length: int) -> Tensor:
    """Append zeros to the second axis."""
    count, present, *rest = tensor.shape
    if present == length:
        return tensor
    return torch.cat([tensor, tensor.new_zeros(count, length - present, *rest)], dim=1)


def _with_noise(part: dict[str, Tensor], *, like: Tensor) -> dict[str, Tensor]:
    if EMBEDDING_NOISE in part:
        return part
    return part | {EMBEDDING_NOISE: like.new_zeros(*part["input_ids"].shape, like.shape[2])}


def joined(batch: UnlearnBatch) -> Batch:
    """Return all samples of an :class:`UnlearnBatch` as one batch, forget samples first.

    Raises:
        ValueError: if both sides are None.
    """
    sides = [side for side in (batch.forget, batch.retain) if side is not None]
    if not sides:
        raise ValueError("an UnlearnBatch needs a forget or a retain side, got neither")
    if len(sides) == 1:
        return sides[0]
    return Batch(
        join_inputs([side.inputs for side in sides]),
        torch.cat([side.target for side in sides]),
        torch.cat([side.index for side in sides]),
    )
