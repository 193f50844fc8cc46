"""The audit of targeted poisons: what a network says to the target images."""

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import CatMetric

from callbacks.effect import Effect
from callbacks.functional import FloatArray
from datamodules import Batch, Corpus, Poisoning, SampleSet

PROBABILITY = "adversarial/probability"


class AdversarialMargin(Effect):
    """Mean over the targets of the logit of the adversarial class minus the largest other one, in nats.

    A target is fooled where its margin is positive. Targets are chosen for being right under the surrogates, so that
    only networks of other seeds are a fair control.

    Raises:
        ValueError: if two targets are the same image.

    Source: Geiping et al., ICLR 2021 (success); the margin as measured for this suite.
    """

    name = "adversarial_margin"
    title = "adversarial margin, nats"
    bounds = (None, None)
    reference = None

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        secrets = poisoning.secrets
        self.rows = secrets["target_rows"]
        self.true_classes = secrets["true_classes"]
        self.adversarial_classes = secrets["adversarial_classes"]
        self._slot = {int(row): position for position, row in enumerate(self.rows.tolist())}
        if len(self._slot) < len(self.rows):
            raise ValueError(f"target_rows must differ, got {self.rows.tolist()}")
        self._slots = CatMetric(nan_strategy="disable")
        self._logits = CatMetric(nan_strategy="disable")

    def audit_set(self) -> SampleSet:
        """Return the target images, rows of the test split, with their true labels."""
        return self.corpus.samples("test").subset(self.rows)

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Keep the logits of one batch of targets."""
        slots = torch.tensor([self._slot[row] for row in batch.index.tolist()], device=logits.device)
        self._slots.update(slots.double())
        self._logits.update(logits.double())

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        for metric in (self._slots, self._logits):
            metric.reset()
            metric.to(device)
            metric.set_dtype(torch.float64)  # in this order: moving a metric makes it float32 again

    def scalars(self) -> dict[str, float]:
        """Return mean margin and mean log-odds against the true class, in nats, the share fooled, and all margins.

        ``adversarial/margin.<k>`` is that of pair k, 0..K-1: from these the pairs of several seeds and networks can be
        counted together.
        """
        logits = self._pairs()
        margin = adversarial_margin(logits, self.adversarial_classes.numpy())
        return {
            "adversarial_margin": float(margin.mean()),
            "adversarial/log_odds": float(self._log_odds(logits).mean()),
            "adversarial/success": float((margin > 0).mean()),
        } | {f"adversarial/margin.{pair}": value for pair, value in enumerate(margin.tolist())}

    def arrays(self) -> dict[str, Tensor]:
        """Return the probability of each class at each target, ``(K, C)`` float64."""
        return {PROBABILITY: torch.from_numpy(self._pairs()).softmax(1)}

    def _pairs(self) -> FloatArray:
        """Return the logits ``(K, C)`` in the order of the secrets, however the batches came."""
        slots, logits = self._slots.compute().reshape(-1), self._logits.compute()
        order = slots.argsort()
        found: FloatArray = logits.reshape(len(slots), -1)[order].double().cpu().numpy()
        return found

    def _log_odds(self, logits: FloatArray) -> FloatArray:
        rows = np.arange(len(logits))
        odds: FloatArray = logits[rows, self.adversarial_classes.numpy()] - logits[rows, self.true_classes.numpy()]
        return odds


def adversarial_margin(logits: FloatArray, wanted: np.typing.NDArray[np.int64]) -> FloatArray:
    """Return the logit of a class minus the largest other one.

    Args:
        logits: ``(K, C)`` with at least two classes.
        wanted: ``(K,)`` a class for each row.

    Returns:
        ``(K,)`` float64, in nats; positive where the class wins.
    """
    rows = np.arange(len(logits))
    others = logits.astype(np.float64)
    others[rows, wanted] = -np.inf
    margin: FloatArray = logits[rows, wanted] - others.max(1)
    return margin
