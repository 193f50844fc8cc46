"""The audit of the Gaussian poison."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import CatMetric

from callbacks.effect import Effect
from callbacks.functional import (
    FloatArray,
    area_under_curve,
    noise_correlation,
    null_band,
    pooled_z,
    trade_off_curve,
    true_positive_rate,
)
from datamodules import Batch, Corpus, ImageStore, Poisoning, SampleSet, derive_seed, gaussian_noise

FPR = 0.01
CURVE_FPRS = np.concatenate([[0.0], np.geomspace(1e-3, 1, 61)])


class GaussianCorrelation(Effect):
    """Mean of I over the poisons, where I = -<grad of loss at the clean base sample, noise> / (epsilon * its norm).

    Per-sample gradients come from one backward pass of a *summed* loss in eval mode, in which samples do not mix. The
    same statistic with noise that no model ever saw stands beside it; it must read as null.

    Source: Pawelczyk et al., ICLR 2025, Algorithm 1.
    """

    name = "gaussian_correlation"
    title = "mean noise correlation"
    bounds = (None, None)
    reference = 0.0

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        secret = int(poisoning.secrets["noise_seed"])
        self.variance = float(poisoning.secrets["variance"])
        shape = tuple(poisoning.inputs.shape[1:])
        rows = poisoning.index
        self._slot = {int(row): position for position, row in enumerate(rows.tolist())}
        self._noise = gaussian_noise(secret, rows, shape, self.variance)
        self._fresh = gaussian_noise(derive_seed("fresh", secret), rows, shape, self.variance)
        self._seen = CatMetric(nan_strategy="disable")
        self._null = CatMetric(nan_strategy="disable")

    def audit_set(self) -> SampleSet:
        """Return the clean base samples with their true labels."""
        store = ImageStore.clean(self.corpus.train.inputs, self.corpus.mean, self.corpus.std)
        rows = self.poisoning.index
        return SampleSet(store, rows, self.corpus.train.target[rows])

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Correlate the input gradients of one batch with its noise and with fresh noise."""
        gradient = input_gradient(network, batch)
        slots = torch.tensor([self._slot[row] for row in batch.index.tolist()])
        device = gradient.device
        self._seen.update(noise_correlation(gradient, self._noise[slots].to(device), self.variance))
        self._null.update(noise_correlation(gradient, self._fresh[slots].to(device), self.variance))

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        for metric in (self._seen, self._null):
            metric.reset()
            metric.to(device)
            metric.set_dtype(torch.float64)  # in this order: moving a metric makes it float32 again

    def scalars(self) -> dict[str, float]:
        """Return mean, standard deviation, z, rate at FPR .01 with null band, and area; each also for fresh noise."""
        seen, fresh = self._statistics()
        low, high = null_band(len(seen), FPR)
        results = {
            "gaussian_correlation": float(seen.mean()),
            "gaussian/tpr_null_low": low,
            "gaussian/tpr_null_high": high,
        }
        for name, values in (("gaussian", seen), ("gaussian_fresh", fresh)):
            results |= {
                f"{name}/mean": float(values.mean()),
                f"{name}/sd": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
                f"{name}/z": pooled_z(values),
                f"{name}/tpr_at_fpr_.01": true_positive_rate(values, FPR),
                f"{name}/auc": area_under_curve(values),
            }
        return results

    def arrays(self) -> dict[str, Tensor]:
        """Return I ``(P,)`` for the noise and for fresh noise, and the trade-off curve, float64."""
        seen, fresh = self._statistics()
        return {
            "gaussian/statistic": torch.from_numpy(seen),
            "gaussian/statistic_fresh": torch.from_numpy(fresh),
            "gaussian/curve_fpr": torch.from_numpy(CURVE_FPRS),
            "gaussian/curve_tpr": torch.from_numpy(trade_off_curve(seen, CURVE_FPRS)),
        }

    def _statistics(self) -> tuple[FloatArray, FloatArray]:
        seen, null = self._seen.compute(), self._null.compute()
        return seen.double().cpu().numpy().reshape(-1), null.double().cpu().numpy().reshape(-1)


def input_gradient(network: nn.Module, batch: Batch) -> Tensor:
    """Return the gradient of each sample's own loss with respect to its inputs, ``(N, C, H, W)``; samples must not mix.

    The loss is taken in float64: in float32 the probability of a label that is 17 nats ahead is exactly 1, and the
    label's part of the gradient is lost.

    Raises:
        ValueError: if the network is in train mode, where batch statistics would mix samples.
    """
    if any(module.training for module in network.modules()):
        raise ValueError("network must be in eval mode: in train mode batch statistics mix the samples")
    if not isinstance(batch.inputs, Tensor):
        raise TypeError("input_gradient takes images")
    with torch.enable_grad():
        inputs = batch.inputs.detach().clone().requires_grad_()
        loss = F.cross_entropy(network(inputs).double(), batch.target, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient
