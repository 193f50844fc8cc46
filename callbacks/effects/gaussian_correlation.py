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
from datamodules import EMBEDDING_NOISE, Batch, Corpus, Inputs, Poisoning, SampleSet, derive_seed, gaussian_noise
from datamodules.noise import embedding_noise

FPR = 0.01
CURVE_FPRS = np.concatenate([[0.0], np.geomspace(1e-3, 1, 61)])
TOKENS_AT_ONCE = 4096
"""Padding included. Gradients need all activations: with more, long texts would fill the memory."""


class GaussianCorrelation(Effect):
    """Mean of I over the poisons, where I = -<grad of loss at the clean base sample, noise> / (epsilon * its norm).

    The gradient is that with respect to pixels, or to the embeddings of a text's real tokens.
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
        self._seeds = (secret, derive_seed("fresh", secret))
        self._seen = CatMetric(nan_strategy="disable")
        self._null = CatMetric(nan_strategy="disable")

    def audit_set(self) -> SampleSet:
        """Return the clean base samples with their true labels."""
        return self.corpus.samples("train").subset(self.poisoning.index)

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Correlate the input gradients of one batch with its noise and with fresh noise."""
        gradient = input_gradient(network, batch)
        for metric, seed in zip((self._seen, self._null), self._seeds, strict=True):
            noise = self._noise(seed, batch).to(gradient.device)
            metric.update(noise_correlation(gradient, noise, self.variance))

    def _noise(self, seed: int, batch: Batch) -> Tensor:
        """Return the noise on the inputs of a batch, zero on padding."""
        inputs = batch.inputs
        if isinstance(inputs, Tensor):
            return gaussian_noise(seed, batch.index, tuple(inputs.shape[1:]), self.variance)
        lengths, width = inputs["attention_mask"].sum(1), int(self.poisoning.secrets["width"])
        noise = embedding_noise(seed, batch.index, lengths, width, self.variance)
        return F.pad(noise, (0, 0, 0, inputs["input_ids"].shape[1] - noise.shape[1]))

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
    """Return the gradient of each sample's own loss with respect to its inputs; samples must not mix.

    The loss is the cross-entropy of the logits, taken in float64: in float32 the probability of a label that is 17 nats
    ahead is exactly 1, and the label's part of the gradient is lost.

    Returns:
        For images ``(N, C, H, W)``. For texts ``(N, L, D)``, with respect to something added to the embeddings of
        tokens, zero on padding; the network must have an ``embedding_width`` D.

    Raises:
        ValueError: if the network is in train mode, where batch statistics would mix samples.
        TypeError: if a network of texts does not say how wide its embeddings are.
    """
    if any(module.training for module in network.modules()):
        raise ValueError("network must be in eval mode: in train mode batch statistics mix the samples")
    if isinstance(batch.inputs, Tensor):
        images = batch.inputs.detach().clone().requires_grad_()
        return _gradient(network, images, images, batch.target)
    count, length = batch.inputs["input_ids"].shape
    parts = torch.split(torch.arange(count, device=batch.target.device), max(1, TOKENS_AT_ONCE // length))
    return torch.cat([_embedding_gradient(network, batch.inputs, batch.target, part) for part in parts])


def _embedding_gradient(network: nn.Module, texts: dict[str, Tensor], target: Tensor, part: Tensor) -> Tensor:
    """Return the gradient of some of the texts, ``(P, L, D)``."""
    width = getattr(network, "embedding_width", None)
    if not isinstance(width, int):
        raise TypeError(f"a network of texts must have an embedding_width, {type(network).__name__} has none")
    inputs = {key: value[part] for key, value in texts.items()}
    mask = inputs["attention_mask"].unsqueeze(2)
    added = torch.zeros(*mask.shape[:2], width, device=mask.device, requires_grad=True)
    return _gradient(network, inputs | {EMBEDDING_NOISE: added}, added, target[part]) * mask


def _gradient(network: nn.Module, inputs: Inputs, variable: Tensor, target: Tensor) -> Tensor:
    """Return the gradient of the summed loss at ``inputs`` with respect to ``variable``, which is a part of them."""
    with torch.enable_grad():
        loss = F.cross_entropy(network(inputs).double(), target, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, variable)
    return gradient
