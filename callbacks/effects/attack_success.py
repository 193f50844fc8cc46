"""The audit of backdoors: what a network says to samples with the trigger on."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torchmetrics import CatMetric, MeanMetric

from callbacks.effect import Effect
from datamodules import Batch, Corpus, ImageStore, Poisoning, SampleSet, TextCorpus, TextStore
from datamodules.poison import image_corpus
from datamodules.samples import InputStore
from datamodules.text_triggers import PhraseTrigger
from datamodules.triggers import NEAR, Trigger

MOST_IMAGES = 2000
MOST_TEXTS = 200
SHOWN_IMAGES = 5
PROBABILITY = "backdoor/probability"
WITH_TRIGGER = ("attack_success", "backdoor/margin")
WITH_NEAR_MISS = ("backdoor/near_miss", "backdoor/near_miss_margin")


class AttackSuccess(Effect):
    """Share of triggered test samples of other classes that are taken for the target class.

    Of the test samples of other classes the first 2,000 images, or the first 200 texts that have a place for the
    trigger, are used, once with the trigger and once with the near-miss trigger, which tells whether the network
    learnt this trigger or anything unusual. Beside the shares there are the mean margins: logit of the target class
    minus the largest other one. The first five samples are also looked at as they are, without any trigger, for the
    pictures.

    Raises:
        ValueError: if every test sample is of the target class, or no text has a place for the trigger.

    Source: Gu, Dolan-Gavitt, Garg, 2017; Wan, Wallace, Shen, Klein, ICML 2023 (texts).
    """

    name = "attack_success"
    title = "attack success rate"
    bounds = (0.0, 1.0)
    reference = None

    def __init__(self, corpus: Corpus, poisoning: Poisoning) -> None:
        super().__init__(corpus, poisoning)
        self.target_class = int(poisoning.secrets["target_class"])
        self.rows = held_out_rows(corpus, poisoning.secrets)
        self.shown = self.rows[:SHOWN_IMAGES]
        self._metrics = {name: MeanMetric(nan_strategy="disable") for name in WITH_TRIGGER + WITH_NEAR_MISS}
        self._slots = CatMetric(nan_strategy="disable")
        self._probability = CatMetric(nan_strategy="disable")

    def audit_set(self) -> SampleSet:
        """Return test samples of other classes, with their true labels.

        Rows 0..K-1 have the trigger; the next K, the same samples, have the near-miss trigger; then come the first few
        of them without any trigger.
        """
        store = triggered_store(self.corpus, self.poisoning.secrets, self.rows, self.shown)
        rows = torch.cat([self.rows, self.rows, self.shown])
        return SampleSet(store, torch.arange(len(rows)), self.corpus.test.target[rows])

    def update(self, network: nn.Module, batch: Batch, logits: Tensor) -> None:  # noqa: ARG002
        """Count the hits of one batch, with the trigger and with the near-miss trigger."""
        hit = (logits.argmax(1) == self.target_class).double()
        margin = target_margin(logits, self.target_class)
        kind, place = batch.index // len(self.rows), batch.index % len(self.rows)
        for names, here in ((WITH_TRIGGER, kind == 0), (WITH_NEAR_MISS, kind == 1)):
            if here.any():
                for name, values in zip(names, (hit, margin), strict=True):
                    self._metrics[name].update(values[here])
        drawn = place < len(self.shown)
        self._slots.update(((kind + 1) % 3 * len(self.shown) + place)[drawn].double())
        self._probability.update(logits[drawn].double().softmax(1))

    def reset(self, device: torch.device) -> None:
        """Start anew on ``device``."""
        for metric in (*self._metrics.values(), self._slots, self._probability):
            metric.reset()
            metric.to(device)
            metric.set_dtype(torch.float64)  # in this order: moving a metric makes it float32 again

    def scalars(self) -> dict[str, float]:
        """Return the success rate and, for trigger and near-miss trigger, rates in [0, 1] and margins in nats."""
        return {name: float(metric.compute()) for name, metric in self._metrics.items()}

    def arrays(self) -> dict[str, Tensor]:
        """Return the probability of each class at the first few samples, ``(3, S, C)`` float64.

        First without any trigger, then with the trigger, then with the near-miss trigger.
        """
        slots, probability = self._slots.compute().reshape(-1), self._probability.compute()
        ordered: Tensor = probability[slots.argsort()].cpu()
        return {PROBABILITY: ordered.reshape(3, len(self.shown), -1)}


def held_out_rows(corpus: Corpus, secrets: Mapping[str, Tensor]) -> Tensor:
    """Return the rows ``(K,)`` of the test split on which a trigger is tried.

    Raises:
        ValueError: if there is none.
    """
    target_class = int(secrets["target_class"])
    rows = (corpus.test.target != target_class).nonzero().squeeze(1)
    if isinstance(corpus, TextCorpus):
        chosen = PhraseTrigger.from_secrets(secrets).fitting(corpus, "test", rows)[:MOST_TEXTS]
    else:
        chosen = rows[:MOST_IMAGES]
    if len(chosen) == 0:
        what = f"{corpus.modality} of another class than {target_class}"
        raise ValueError(f"{corpus.name} has no test {what}{' with a place for the trigger' if len(rows) else ''}")
    return chosen


def triggered_store(corpus: Corpus, secrets: Mapping[str, Tensor], rows: Tensor, shown: Tensor) -> InputStore:
    """Return ``rows`` of the test split with the trigger, then with the near-miss trigger, then ``shown`` as they are.

    Args:
        corpus: images or texts.
        secrets: of the backdoor.
        rows: ``(K,)`` int64.
        shown: ``(S,)`` int64.
    """
    if isinstance(corpus, TextCorpus):
        phrase = PhraseTrigger.from_secrets(secrets)
        marked = [text for near in (False, True) for text in phrase.apply(corpus, "test", rows, near=near)]
        texts = [*marked, *(corpus.test.texts[row] for row in shown.tolist())]
        return TextStore.clean(corpus.tokenization.tokens(texts), corpus.pad)
    images = image_corpus(corpus, "a trigger in pixels")
    clean = images.test.inputs[rows]
    triggers = [Trigger.from_secrets(secrets, prefix) for prefix in ("", NEAR)]
    pixels = torch.cat([*(trigger.apply(clean) for trigger in triggers), images.test.inputs[shown]])
    return ImageStore.clean(pixels, images.mean, images.std)


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
