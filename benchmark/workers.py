"""How a process that computes stages is set up: one thread, quiet, float32 where float32 is asked for."""

import logging
import warnings
from typing import Any

import torch

_BACKENDS: Any = torch.backends
_PRECISIONS = (_BACKENDS, _BACKENDS.cuda.matmul, _BACKENDS.cudnn.conv, _BACKENDS.cudnn.rnn)
"""Each by itself: in some versions of torch the first does not reach the others."""


def prepare_worker() -> None:
    """Set threads, logging and warnings of this process; call once, before any stage."""
    torch.set_num_threads(1)
    for place in _PRECISIONS:
        place.fp32_precision = "ieee"
    quieten_lightning()


def quieten_lightning() -> None:
    """Silence Lightning's hints, and a deprecation inside Lightning that a user cannot act on."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
