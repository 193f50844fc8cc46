"""The audit of backdoors: what a network says to images with the trigger on."""

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from callbacks.effect import Effect
from datamodules import Batch, Corpus, ImageStore, Poisoning, SampleSet
from datamodules.triggers import NEAR, Trigger

MOST_IMAGES = 2000
WITH_TRIGGER = ("attack_success", "backdoor/margin")
WITH_NEAR_MISS = ("backdoor/near_miss", "backdoor/near_miss_margin")


class AttackSuccess(Effect):
    """Share of triggered test images of other classes that are taken for the target class.

    Of the test images of other classes the first 2,000 are used, once with the trigger and once with the near-miss
    trigger, which tells whether the network learnt this trigger or anything unusual. Beside the shares there are the
    mean margins: logit of the target class minus the largest other one.

    Raises:
        ValueError: if every test image is of the target class.

    Source: Gu, Dolan-Gavitt, Garg, 2017.
    """

    name = "attack_success"
    title = "attack success rate"
    bounds = (0.0, 1.0)
    reference = None

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        self.target_class = int(poisoning.secrets["target_class"])
        self.rows = (corpus.test.target != self.target_class).nonzero().squeeze(1)[:MOST_IMAGES]
        if len(self.rows) == 0:
            raise ValueError(f"{corpus.name} has no test image of another class than {self.target_class}")
        self._metrics = {name: MeanMetric(nan_strategy="disable") for name in WITH_TRIGGER + WITH_NEAR_MISS}

    def audit_set(self) -> SampleSet:
        """Return K test images with the trigger, rows 0..K-1, then the same with the near-miss trigger; true labels."""
        clean = self.corpus.test.inputs[self.rows]
        triggers = [Trigger.from_secrets(self.poisoning.secrets, prefix) for prefix in ("", NEAR)]
        pixels = torch.cat([trigger.apply(clean) for trigger in triggers])
        store = ImageStore.clean(pixels, self.corpus.mean, self.corpus.std)
        return SampleSet(store, torch.arange(len(pixels)), self.corpus.test.target[self.rows].repeat(2))

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Count the hits of one batch, with the trigger and with the near-miss trigger."""
        hit = (logits.argmax(1) == self.target_class).double()
        margin = target_margin(logits, self.target_class)
        near = batch.index >= len(self.rows)
        for names, here in ((WITH_TRIGGER, ~near), (WITH_NEAR_MISS, near)):
            if here.any():
                for name, values in zip(names, (hit, margin), strict=True):
                    self._metrics[name].update(values[here])

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        for metric in self._metrics.values():
            metric.reset()
            metric.to(device)
            metric.set_dtype(torch.float64)  # in this order: moving a metric makes it float32 again

    def scalars(self) -> dict[str, float]:
        """Return the success rate and, for trigger and near-miss trigger, rates in [0, 1] and margins in nats."""
        return {name: float(metric.compute()) for name, metric in self._metrics.items()}


def target_margin(logits: Tensor, target_class: int) -> Tensor:
    """Return the logit of the target class minus the largest other one, in nats.

    Args:
        logits: ``(N, num_classes)``, at least two classes.
        target_class: a column.

    Returns:
        ``(N,)`` float64.
    """
    others = logits.double().clone()
    others[:, target_class] = -torch.inf
    margin: Tensor = logits[:, target_class].double() - others.amax(1)
    return margin
