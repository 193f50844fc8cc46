"""Potion: outlying weights are dampened, as few as it takes to lose the accuracy on the forget set."""

import math

import numpy as np
import torch
from torch import Tensor

from datamodules import Batch, Phase, UnlearnBatch, joined
from lightning_modules.unlearner import MethodCard, Unlearner, forget_side

GROWTH, DIVISOR = 1.1, 25
ROUNDS, TRIED = 4, 3


class Potion(Unlearner):
    """ASSD with importances that no outlier dominates, and a search for how many weights to dampen.

    The importance of a weight over a set is the mean over its batches of the absolute gradient of the mean norm of the
    logits, in eval mode and full precision: no label is needed. The search tries growing shares of the weights until
    the accuracy on the forget set, of the labels it has, is low enough. Where accuracy falls with the share, it finds
    what trying one after the other finds: each of its four passes over the forget set tries three shares and leaves a
    quarter of the 256 that are possible. A search that the budget cuts ends with the smallest share that was low
    enough, or else the largest that was tried.

    Args:
        rho: accuracy on the forget set to reach, as a fraction of that before, in [0, 1).
    """

    card = MethodCard(
        name="potion",
        title="Potion (XLF, PTN search)",
        paper="Schoepf, Foster, Brintrup, Potion: Towards Poison Unlearning, DMLR 2024",
        formula="w <- w * min(1, I_full / I_forget) where I_forget > alpha * I_full, I = mean |grad mean ||f(x)||_2|;"
        " alpha the p-th percentile of I_forget / I_full, p = 100 - ln(1 + 100 * s); s from |forget| / |full| / 25"
        " times 1.1 each until accuracy(forget) <= rho * accuracy before",
        source="towards_poison_unlearning (XALFSSD); it leaves rho to the user",
        deviations="rho .2 is ours; at most 256 shares (source: 500), found by cutting in four; |forget| / |full| is"
        " counted in the pass over the full set; where the budget does not buy all of it, that ratio and the"
        " importances are estimated on the random batches that it does buy",
    )
    equal_batches = True
    phases = ("forget", "mixed")

    def __init__(self, *, rho: float = 0.2) -> None:
        super().__init__(optimizer=None, max_epochs=1 + ROUNDS)
        if not 0 <= rho < 1:
            raise ValueError(f"rho must be in [0, 1), got {rho}")
        self.rho = rho

    def schedule(self, epoch: int) -> tuple[Phase, ...]:
        """Return both sets for the importances, then the forget set for each round of the search."""
        return self.phases if epoch == 0 else ("forget",)

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode and start with no importance."""
        self.network.eval()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.before = [weight.detach().clone() for weight in self.weights]
        self.importance: dict[Phase, list[Tensor]] = {
            phase: [torch.zeros_like(weight) for weight in self.weights] for phase in self.phases
        }
        self.batches: dict[Phase, int] = dict.fromkeys(self.phases, 0)
        self.seen = {"forget": 0, "all": 0}
        self.right_before = 0
        self.size, self.counted, self.rounds = 0, 0, 0
        self.bracket, self.reached = (-1, 4**ROUNDS - 1), False
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def on_train_epoch_start(self) -> None:
        """Choose the shares to try in this round."""
        low, high = self.bracket
        self.tried = [low + (high - low) * part // (TRIED + 1) for part in range(1, TRIED + 1)]
        self.right, self.counted = [0] * TRIED, 0
        if self.current_epoch == 1:
            self._compare()

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> None:
        """Add to an importance, or count the right answers with each of three shares dampened."""
        with torch.autocast(self.weights[0].device.type, enabled=False):
            if self.current_epoch == 0:
                self._look(batch)
            else:
                self._try(forget_side(batch))

    def on_train_epoch_end(self) -> None:
        """Keep the quarter in which the accuracy becomes low enough; a round that was cut short says nothing."""
        if self.current_epoch == 0 or self.counted < self.size:
            return
        self.rounds += 1
        low, high = self.bracket
        for share, right in zip(self.tried, self.right, strict=True):
            if right <= self.rho * self.right_before:
                high, self.reached = share, True
                break
            low = share
        self.bracket = (low, high)

    def on_train_end(self) -> None:
        """Dampen what the search found."""
        if not self.batches["mixed"]:
            return
        if not self.pairs:
            self._compare()
        low, high = self.bracket
        self._dampen(high if self.reached or self.rounds == ROUNDS else max(low, 0))

    def _look(self, batch: UnlearnBatch) -> None:
        side = joined(batch)
        logits = self.network(side.inputs).float()
        gradients = torch.autograd.grad(torch.linalg.vector_norm(logits, dim=1).mean(), self.weights)
        for importance, gradient in zip(self.importance[batch.phase], gradients, strict=True):
            importance.add_(gradient.abs())
        self.batches[batch.phase] += 1
        if batch.phase == "forget":
            self.size += len(side.target)
            self.right_before += _right(logits, side)
        else:
            self.seen["all"] += len(side.target)
            self.seen["forget"] += 0 if batch.forget is None else len(batch.forget.target)

    def _try(self, side: Batch) -> None:
        for place, share in enumerate(self.tried):
            self._dampen(share)
            with torch.no_grad():
                self.right[place] += _right(self.network(side.inputs), side)
        self.counted += len(side.target)
        with torch.no_grad():
            for weight, before in zip(self.weights, self.before, strict=True):
                weight.copy_(before)

    def _compare(self) -> None:
        """Keep the ratios of importances: of each weight, and all that are finite."""
        forgets, fulls = ([value / self.batches[phase] for value in self.importance[phase]] for phase in self.phases)
        self.pairs = list(zip(forgets, fulls, strict=True))
        ratios = torch.cat([(forget / full).flatten() for forget, full in self.pairs])
        self.ratios = ratios[ratios.isfinite()].cpu().numpy()

    def _dampen(self, share: int) -> None:
        """Set the weights to those before, dampened for the share of this number."""
        fraction = self.seen["forget"] / self.seen["all"] / DIVISOR * GROWTH**share
        percentile = max(0.0, 100 - math.log(1 + 100 * fraction))
        alpha = float(np.percentile(self.ratios, percentile)) if len(self.ratios) else math.inf
        with torch.no_grad():
            for weight, before, (forget, full) in zip(self.weights, self.before, self.pairs, strict=True):
                factor = (full / forget).clamp(max=1)
                weight.copy_(before * torch.where(forget > alpha * full, factor, torch.ones_like(factor)))


def _right(logits: Tensor, side: Batch) -> int:
    return int((logits.argmax(1) == side.target).sum())
