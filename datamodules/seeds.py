"""One place that turns names into seeds, so that no two draws of a run share a stream by accident."""

import hashlib

import torch

MAX_SEED = 2**31 - 1


def derive_seed(*parts: str | int) -> int:
    """Return a seed in ``[0, 2**31)`` that depends on every part and on their order.

    Args:
        parts: names and numbers that say what the draw is for, e.g. ``("poison", 3)``.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") & MAX_SEED


def generator_for(*parts: str | int) -> torch.Generator:
    """Return a CPU generator seeded with :func:`derive_seed` of the parts."""
    return torch.Generator().manual_seed(derive_seed(*parts))
