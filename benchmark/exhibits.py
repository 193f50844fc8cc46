"""What there is to see of an attack: its poisons, its crafting, and the test images by which it shows itself."""

from dataclasses import dataclass

import torch
from torch import Tensor

from callbacks import EFFECTS
from callbacks.effects.adversarial_margin import PROBABILITY as AT_TARGETS
from callbacks.effects.adversarial_margin import AdversarialMargin
from callbacks.effects.attack_success import PROBABILITY as AT_TRIGGERS
from callbacks.effects.attack_success import AttackSuccess
from callbacks.tensorboard import CraftingCurves, PoisonImages, PoisonTexts, Probe
from datamodules import Corpus, ImageCorpus, Poisoning, TextCorpus
from datamodules.triggers import NEAR, Trigger

SHOWN_POISONS = 5
SHOWN_TARGETS = 6


@dataclass(frozen=True)
class Exhibits:
    """What is shown of an attack; None where there is nothing to see."""

    images: PoisonImages | None = None
    texts: PoisonTexts | None = None
    crafting: CraftingCurves | None = None
    probe: Probe | None = None


def exhibits(corpus: Corpus, poisoning: Poisoning, effect: str) -> Exhibits:
    """Return what there is to see of an attack. Texts have no pictures, but can be read.

    Args:
        corpus: what was poisoned.
        poisoning: with its secrets.
        effect: name of the attack's effect.
    """
    curves = crafting_curves(corpus, poisoning)
    if isinstance(corpus, TextCorpus):
        return Exhibits(texts=poison_texts(corpus, poisoning), crafting=curves)
    if not isinstance(corpus, ImageCorpus):
        return Exhibits(crafting=curves)
    return Exhibits(poison_images(corpus, poisoning), None, curves, probe(corpus, poisoning, effect))


def poison_images(corpus: ImageCorpus, poisoning: Poisoning) -> PoisonImages | None:
    """Return the first few poisons beside the clean base samples they were made of."""
    if not isinstance(poisoning.inputs, Tensor):
        return None
    rows = poisoning.base[:SHOWN_POISONS]
    before, after = corpus.train.target[rows], poisoning.target[:SHOWN_POISONS]
    mean = torch.tensor(corpus.mean).view(1, -1, 1, 1)
    std = torch.tensor(corpus.std).view(1, -1, 1, 1)
    return PoisonImages(
        base=corpus.train.inputs[rows].float() / 255,
        poison=poisoning.inputs[:SHOWN_POISONS] * std + mean,
        labels=_changes(corpus, before, after, "\n→ "),
    )


def poison_texts(corpus: TextCorpus, poisoning: Poisoning) -> PoisonTexts | None:
    """Return the first few poisons beside the clean base samples they were made of, as their tokens read."""
    inputs = poisoning.inputs
    if isinstance(inputs, Tensor):
        return None
    rows = poisoning.base[:SHOWN_POISONS]
    before, after = corpus.train.target[rows], poisoning.target[:SHOWN_POISONS]
    change = ""
    if "noise_std" in inputs:
        change = (
            f"The texts are the same; noise of standard deviation {inputs['noise_std'][0]:g} is on their embeddings."
        )
    return PoisonTexts(
        base=corpus.decode(corpus.store("train").take(rows)["input_ids"]),
        poison=corpus.decode(inputs["input_ids"][:SHOWN_POISONS]),
        labels=_changes(corpus, before, after, " → "),
        change=change,
    )


def crafting_curves(corpus: Corpus, poisoning: Poisoning) -> CraftingCurves | None:
    """Return the matching loss of each pair, or the gradient that was left, by step of crafting."""
    secrets = poisoning.secrets
    if "matching_loss" in secrets:
        labels = _changes(corpus, secrets["true_classes"], secrets["adversarial_classes"], " → ")
        return CraftingCurves("matching loss, 1 - cosine", secrets["matching_loss"], labels)
    if "curve" in secrets:
        quantity = "gradient left / gradient to cancel, before any shuffle"
        return CraftingCurves(quantity, secrets["curve"].reshape(1, -1), ["all poisons"], logarithmic=True)
    return None


def probe(corpus: ImageCorpus, poisoning: Poisoning, effect: str) -> Probe | None:
    """Return the targets, or test images without and with trigger and near-miss trigger, as scoring looked at them."""
    audit = EFFECTS.get(effect)(corpus, poisoning)
    if isinstance(audit, AdversarialMargin):
        return _targets(corpus, audit)
    if isinstance(audit, AttackSuccess):
        return _triggered(corpus, audit)
    return None


def _targets(corpus: ImageCorpus, audit: AdversarialMargin) -> Probe:
    true, wanted = audit.true_classes[:SHOWN_TARGETS], audit.adversarial_classes[:SHOWN_TARGETS]
    return Probe(
        name="targets",
        key=AT_TARGETS,
        images=corpus.test.inputs[audit.rows[:SHOWN_TARGETS]].unsqueeze(0).float() / 255,
        versions=["target"],
        labels=_changes(corpus, true, wanted, "\n→ "),
        true=true,
        wanted=wanted,
    )


def _triggered(corpus: ImageCorpus, audit: AttackSuccess) -> Probe:
    clean = corpus.test.inputs[audit.shown]
    triggers = [Trigger.from_secrets(audit.poisoning.secrets, prefix) for prefix in ("", NEAR)]
    true = corpus.test.target[audit.shown]
    wanted = torch.full_like(true, audit.target_class)
    return Probe(
        name="triggers",
        key=AT_TRIGGERS,
        images=torch.stack([clean, *(trigger.apply(clean) for trigger in triggers)]).float() / 255,
        versions=["clean", "with trigger", "near-miss"],
        labels=_changes(corpus, true, wanted, "\n→ "),
        true=true,
        wanted=wanted,
    )


def _changes(corpus: Corpus, before: Tensor, after: Tensor, arrow: str) -> list[str]:
    names = corpus.class_names
    pairs = zip(before.tolist(), after.tolist(), strict=True)
    return [names[new] if old == new else f"{names[old]}{arrow}{names[new]}" for old, new in pairs]
