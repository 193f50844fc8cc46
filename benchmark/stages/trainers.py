"""Lightning Trainers as the stages use them: quiet, deterministic, one place."""

from collections.abc import Sequence
from typing import Literal

import lightning as L
import torch

from datamodules import derive_seed


def make_trainer(
    callbacks: Sequence[L.Callback],
    *,
    precision: Literal["32-true", "bf16-mixed"],
    max_epochs: int = 1,
    max_steps: int = -1,
    accelerator: Literal["auto", "cpu"] = "auto",
) -> L.Trainer:
    """Return a Trainer on one device, a GPU where ``auto`` finds one, that writes no files and prints nothing."""
    on_gpu = accelerator == "auto" and torch.cuda.is_available()
    return L.Trainer(
        accelerator="gpu" if on_gpu else "cpu",
        devices=1,
        precision=precision,
        max_epochs=max_epochs,
        max_steps=max_steps,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        inference_mode=False,
        deterministic="warn" if on_gpu else True,
        benchmark=False,
    )


def seed_all(*parts: str | int) -> None:
    """Seed the global generators of a stage before anything is built: a second line of defence, nothing should draw."""
    L.seed_everything(derive_seed(*parts), workers=True, verbose=False)
