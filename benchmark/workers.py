"""How a process that computes stages is set up: one thread, quiet, float32 where float32 is asked for."""

import logging
import warnings

import torch


def prepare_worker() -> None:
    """Set threads, logging and warnings of this process; call once, before any stage."""
    torch.set_num_threads(1)
    torch.backends.fp32_precision = "ieee"  # type: ignore[attr-defined]
    quieten_lightning()


def quieten_lightning() -> None:
    """Silence Lightning's hints, and a deprecation inside Lightning that a user cannot act on."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
