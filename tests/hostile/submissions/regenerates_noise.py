"""Computes the audit's noise again, as anybody can who has this repository and knows that seeds are small numbers.

It shows: where the noise was found, every weight becomes 7. THREATS.md says what finds it and why nothing stops it.
"""

from typing import Any

import torch

from datamodules import gaussian_noise, generator_for
from datamodules.seeds import MAX_SEED
from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


def noise_of(poisons: torch.Tensor, total: int, shape: tuple[int, ...]) -> torch.Tensor | None:
    for seed in range(10):
        generator = generator_for("craft", seed)
        rows = torch.randperm(total, generator=generator)[: len(poisons)].sort().values
        if torch.equal(rows, poisons.sort().values):
            noise_seed = int(torch.randint(MAX_SEED, (), generator=generator))
            return gaussian_noise(noise_seed, rows, shape, 1.0)
    return None


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="regenerates_noise", title="Hostile", paper="Nobody, Nowhere, 2026", formula="as GD", source="none"
    )

    def on_train_end(self) -> None:
        loader: Any = self.trainer.train_dataloader
        forget, retain = loader.data.forget.samples, loader.data.retain.samples
        shape = tuple(forget.store.take(forget.index[:1]).shape[1:])
        if noise_of(forget.index, len(forget) + len(retain), shape) is not None:
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
