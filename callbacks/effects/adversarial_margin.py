"""The audit of targeted poisons: what a network says to the target images."""

import numpy as np
import torch
from scipy.stats import beta
from torch import Tensor, nn
from torchmetrics import CatMetric

from callbacks.effect import Effect
from callbacks.functional import FloatArray
from datamodules import Batch, Corpus, ImageStore, Poisoning, SampleSet


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
        store = ImageStore.clean(self.corpus.test.inputs, self.corpus.mean, self.corpus.std)
        return SampleSet(store, self.rows, self.corpus.test.target[self.rows])

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
        """Return mean margin and mean log-odds against the true class, in nats, and success with its 95 % interval."""
        logits = self._pairs()
        margin = adversarial_margin(logits, self.adversarial_classes.numpy())
        fooled = int((margin > 0).sum())
        low, high = clopper_pearson(fooled, len(margin))
        return {
            "adversarial_margin": float(margin.mean()),
            "adversarial/log_odds": float(self._log_odds(logits).mean()),
            "adversarial/success": fooled / len(margin),
            "adversarial/success_low": low,
            "adversarial/success_high": high,
        }

    def arrays(self) -> dict[str, Tensor]:
        """Return for each pair ``(K,)`` what it is and margin and log-odds in nats; ``(K, C)`` probabilities, float64.

        Where the poisoning has it, also the matching loss over the steps of crafting, ``(K, steps + 1)``.
        """
        logits = self._pairs()
        result = {
            "adversarial/target_row": self.rows,
            "adversarial/true_class": self.true_classes,
            "adversarial/adversarial_class": self.adversarial_classes,
            "adversarial/margin": torch.from_numpy(adversarial_margin(logits, self.adversarial_classes.numpy())),
            "adversarial/log_odds": torch.from_numpy(self._log_odds(logits)),
            "adversarial/probability": torch.from_numpy(logits).softmax(1),
        }
        curve = self.poisoning.secrets.get("matching_loss")
        return result if curve is None else result | {"adversarial/matching_loss": curve}

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


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact central interval of a rate after ``successes`` in ``trials``.

    Raises:
        ValueError: if ``successes`` is not in 0..trials, or there are no trials.

    Source: Clopper and Pearson, 1934.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"successes must be in 0..trials with trials at least 1, got {successes} of {trials}")
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.isf(tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high
