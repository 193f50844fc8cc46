"""ASSD: SSD that finds its threshold from how large the forget set is."""

import math

import numpy as np
import torch
from torch import Tensor

from datamodules import Phase, UnlearnBatch, joined
from lightning_modules.unlearner import MethodCard, Unlearner


class ASSD(Unlearner):
    """Shrinks the weights whose ratio of importances, forget set to whole set, is above a percentile of all ratios.

    The importance of a weight over a set is the mean over its *batches* of the squared gradient of the batch's mean
    loss, in eval mode and full precision, as in SSD.

    Args:
        lam: strength: a weight is multiplied by min(1, lam * importance(full) / importance(forget)); positive.
    """

    card = MethodCard(
        name="assd",
        title="ASSD (adaptive SSD)",
        paper="Schoepf, Foster, Brintrup, Parameter-Tuning-Free Data Entry Error Unlearning with Adaptive Selective"
        " Synaptic Dampening, 2024",
        formula="w <- w * min(1, lam * I_full / I_forget) where I_forget > alpha * I_full; alpha the p-th percentile of"
        " I_forget / I_full over all weights, p = 100 - ln(1 + 100 * |forget| / |full|)",
        source="adaptive-selective-synaptic-dampening: lam 1",
        deviations="|forget| / |full| is counted in the pass over the full set; where the budget does not buy all of"
        " it, that ratio and the importances are estimated on the random batches that it does buy",
    )
    equal_batches = True
    phases = ("forget", "mixed")

    def __init__(self, *, lam: float = 1.0) -> None:
        super().__init__(optimizer=None, max_epochs=1)
        if not lam > 0:
            raise ValueError(f"lam must be positive, got {lam}")
        self.lam = lam

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no importance."""
        self.network.eval()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.importance: dict[Phase, list[Tensor]] = {
            phase: [torch.zeros_like(weight) for weight in self.weights] for phase in self.phases
        }
        self.batches: dict[Phase, int] = dict.fromkeys(self.phases, 0)
        self.seen = {"forget": 0, "all": 0}

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add the squared gradient of the batch to the importance of its set."""
        side = joined(batch)
        with torch.autocast(side.target.device.type, enabled=False):
            gradients = torch.autograd.grad(self.loss(side), self.weights)
        for importance, gradient in zip(self.importance[batch.phase], gradients, strict=True):
            importance.add_(gradient.square())
        self.batches[batch.phase] += 1
        if batch.phase == "mixed":
            self.seen["all"] += len(side.target)
            self.seen["forget"] += 0 if batch.forget is None else len(batch.forget.target)

    def on_train_end(self) -> None:
        """Dampen once."""
        if not self.batches["mixed"]:
            return
        forgets, fulls = ([value / self.batches[phase] for value in self.importance[phase]] for phase in self.phases)
        alpha = self._threshold(forgets, fulls)
        with torch.no_grad():
            for weight, forget, full in zip(self.weights, forgets, fulls, strict=True):
                factor = (self.lam * full / forget).clamp(max=1)
                weight.mul_(torch.where(forget > alpha * full, factor, torch.ones_like(factor)))

    def _threshold(self, forgets: list[Tensor], fulls: list[Tensor]) -> float:
        """Return the percentile of the finite ratios, interpolated; infinity where there is none."""
        ratios = torch.cat([(forget / full).flatten() for forget, full in zip(forgets, fulls, strict=True)])
        finite = ratios[ratios.isfinite()].cpu().numpy()
        share = self.seen["forget"] / self.seen["all"]
        return float(np.percentile(finite, 100 - math.log(1 + 100 * share))) if len(finite) else math.inf
