"""Trains a copy of the network without hooks, by ``functional_call`` and raw autograd, and hands that back."""

import copy
import time
from typing import Any

import torch
from torch.func import functional_call
from torch.nn import functional as F

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

SECONDS = float("@SECONDS@")


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="trains_copy",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        free = copy.deepcopy(self.network)
        free._forward_hooks.clear()
        free._forward_pre_hooks.clear()
        weights = {name: weight.detach().clone().requires_grad_() for name, weight in free.named_parameters()}
        batch: Any = next(iter(self.trainer.train_dataloader)).retain
        end = time.process_time() + SECONDS
        with torch.enable_grad():
            while time.process_time() < end:
                loss = F.cross_entropy(functional_call(free, weights, (batch.inputs,)), batch.target)
                for weight, slope in zip(
                    weights.values(), torch.autograd.grad(loss, list(weights.values())), strict=True
                ):
                    weight.data.sub_(slope, alpha=1e-3)
        self.network.load_state_dict(free.state_dict() | {name: weight.detach() for name, weight in weights.items()})
