"""Texts as tensors, which is what the cache keeps."""

from collections.abc import Sequence

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from datamodules.corpora.store import Stored


def pack(name: str, texts: Sequence[str]) -> dict[str, Tensor]:
    """Return ``<name>_bytes`` ``(B,)`` uint8, the texts in UTF-8, and ``<name>_ends`` ``(N,)`` int64, in bytes."""
    encoded = [text.encode() for text in texts]
    ends = torch.tensor([len(text) for text in encoded], dtype=torch.int64).cumsum(0)
    return {
        f"{name}_bytes": torch.from_numpy(np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()),
        f"{name}_ends": ends,
    }


def read_tensor(stored: Stored, name: str) -> Tensor:
    """Return one tensor of a file of the cache."""
    with safe_open(stored.path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor


def read_texts(stored: Stored, name: str) -> list[str]:
    """Return the texts that :func:`pack` packed under ``name``."""
    content = read_tensor(stored, f"{name}_bytes").numpy().tobytes()
    ends = read_tensor(stored, f"{name}_ends").tolist()
    return [content[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]
