"""JIT: the network is made smooth around the forget samples, without labels and without other data."""

from typing import ClassVar, cast

import torch
from torch import Tensor

from datamodules import UnlearnBatch
from datamodules.batch import EMBEDDING_NOISE, Inputs
from lightning_modules.unlearner import MethodCard, Sgd, Unlearner, VisitCost, forget_side

SAMPLES = 25


class JiT(Unlearner):
    """Lowers how much the logits of a forget sample change with noise on it, in eval mode.

    Neither labels nor retain set are read. Texts get their noise on the embeddings.

    Args:
        noise_std: standard deviation of the noise, in units of the network's inputs; positive.
        lr: learning rate, positive.
        max_epochs: passes over the forget set, or None for the whole budget.
    """

    card = MethodCard(
        name="jit",
        title="JiT (zero-shot)",
        paper="Foster, Fogarty, Schoepf, Öztireli, Brintrup,"
        " Zero-Shot Machine Unlearning at Scale via Lipschitz Regularization, 2024",
        formula="w <- w - lr * grad sum_forget mean_25 |f_w(x) - f(x + d)| / |d|, d ~ N(0, noise_std^2 I),"
        " f(x + d) without gradient",
        source="Zeroshot-Unlearning-At-Scale: 25 samples, lr 3e-4 and noise_std .01 (VGG-16), plain SGD, one pass",
        deviations="each step takes its own gradient (source: added up over all batches before); noise is not clamped"
        " to the range of the batch; texts get it on their embeddings",
    )
    modalities = ("image",)
    visit = VisitCost(forget=3 + SAMPLES)
    phases = ("forget",)
    label_free: ClassVar[bool] = True

    def __init__(self, *, noise_std: float = 0.01, lr: float = 3e-4, max_epochs: int | None = 1) -> None:
        super().__init__(Sgd(lr), max_epochs)
        if not noise_std > 0:
            raise ValueError(f"noise_std must be positive, got {noise_std}")
        self.noise_std = noise_std

    def setup(self, stage: str | None = None) -> None:
        """Put the network in eval mode."""
        self.network.eval()

    def training_step(self, batch: UnlearnBatch, batch_idx: int) -> Tensor:
        """Return the sum over the batch of the mean ratio of output change to input change."""
        inputs = forget_side(batch).inputs
        logits: Tensor = self.network(inputs).float()
        ratios = logits.new_zeros(len(logits))
        for _ in range(SAMPLES):
            noise = self._noise(inputs)
            with torch.no_grad():
                around = self.network(_shifted(inputs, noise)).float()
            ratios = ratios + torch.linalg.vector_norm(logits - around, dim=1) / noise.flatten(1).norm(dim=1)
        return ratios.sum() / SAMPLES

    def _noise(self, inputs: Inputs) -> Tensor:
        """Return noise for each coordinate of an image, or for each of the embeddings of a text's real tokens."""
        if isinstance(inputs, Tensor):
            return self.noise_std * torch.randn(inputs.shape, generator=self.generator, device=inputs.device)
        mask = inputs["attention_mask"]
        shape = (*mask.shape, cast("int", self.network.embedding_width))
        noise = torch.randn(shape, generator=self.generator, device=mask.device)
        return self.noise_std * noise * mask.unsqueeze(2)


def _shifted(inputs: Inputs, shift: Tensor) -> Inputs:
    if isinstance(inputs, Tensor):
        return inputs + shift
    noise = inputs[EMBEDDING_NOISE] + shift if EMBEDDING_NOISE in inputs else shift
    return inputs | {EMBEDDING_NOISE: noise}
