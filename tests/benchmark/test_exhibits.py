"""What of a crafted poison is handed to the pictures, on real crafting and real scoring."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmark.exhibits import SHOWN_POISONS, SHOWN_TARGETS, exhibits
from benchmark.stages import score
from callbacks import EFFECTS
from callbacks.tensorboard import TrainingRun
from datamodules import POISONS, Poisoning, PoisoningDataModule, load_corpus


class Rising(torch.nn.Module):
    """Logits by sums of pixels: each class has its own weight, and no two images agree."""

    def forward(self, inputs):
        return inputs.sum((1, 2, 3)).unsqueeze(1) * torch.linspace(0, 0.1, 10)


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("digits", train_size=300)


def _data(corpus, name, **options):
    data = PoisoningDataModule(corpus, POISONS.get(name)(**options), seed=0)
    data.setup()
    return data


def _shown(corpus, name, **options):
    data = _data(corpus, name, **options)
    return exhibits(corpus, data.poisoning, data.poison.effect)


def _targeted(corpus, pairs=3, true=None):
    """A poisoning with ``pairs`` targets, in no order of their rows."""
    rows = torch.arange(pairs).flip(0) * 7
    true = corpus.test.target[rows]
    secrets = {
        "target_rows": rows,
        "true_classes": true,
        "adversarial_classes": (true + 1) % 10,
        "matching_loss": torch.rand(pairs, 5),
    }
    index = torch.arange(8)
    return Poisoning(index, torch.zeros(8, 1, 8, 8), corpus.train.target[index], secrets)


def _scored(corpus, poisoning, effect):
    """A network as scoring leaves it, measured by the real stage."""
    data = PoisoningDataModule(corpus, POISONS.get("gaussian")(count=8), seed=0, poisoning=poisoning)
    data.setup()
    audit = EFFECTS.get(effect)(corpus, poisoning)
    score.measure(Rising(), data, audit, with_test=False)
    return TrainingRun(scores={}, arrays=audit.arrays(), passes=1.0)


def _normalised(corpus, images):
    return (images - torch.tensor(corpus.mean).view(-1, 1, 1)) / torch.tensor(corpus.std).view(-1, 1, 1)


def test_a_changed_label_is_shown_before_and_after(corpus):
    images = _shown(corpus, "label-swap", count=20, classes=(1, 8)).images

    assert len(images.labels) == SHOWN_POISONS
    assert set(images.labels) <= {"1\n→ 8", "8\n→ 1"}
    torch.testing.assert_close(images.poison, images.base, rtol=0, atol=1e-5)


def test_a_label_that_stays_is_shown_once(corpus):
    images = _shown(corpus, "sinusoid", count=9, target_class=7, dirty_label=False, frequency=2).images

    assert images.labels == ["7"] * SHOWN_POISONS


@pytest.mark.parametrize("size", [1, 3])
def test_base_and_poison_differ_by_the_trigger(corpus, size):
    images = _shown(corpus, "badnets", count=20, size=size).images

    assert (images.poison[:, :, -size:, -size:] - 1).abs().max() < 1e-5
    same = (images.poison - images.base).abs() < 1e-5
    same[:, :, -size:, -size:] = True
    assert same.all()


def test_an_added_poison_stands_beside_the_sample_it_was_made_of(corpus):
    poisoning = _data(corpus, "badnets", count=20).poisoning
    base = poisoning.index.flip(0)
    added = replace(poisoning, index=300 + torch.arange(20), secrets=poisoning.secrets | {"base": base})

    images = exhibits(corpus, added, "attack_success").images

    torch.testing.assert_close(images.base, corpus.train.inputs[base[:SHOWN_POISONS]] / 255)


def test_matching_loss_has_a_line_for_each_pair(corpus):
    poisoning = _targeted(corpus)
    curves = exhibits(corpus, poisoning, "adversarial_margin").crafting

    assert torch.equal(curves.values, poisoning.secrets["matching_loss"])
    assert not curves.logarithmic
    true = poisoning.secrets["true_classes"].tolist()
    assert curves.labels == [f"{label} → {(label + 1) % 10}" for label in true]


def test_remaining_gradient_is_one_line_on_a_logarithmic_axis(corpus):
    poisoning = _data(corpus, "label-flip", count=8).poisoning
    curve = torch.tensor([1.0, 0.5, 0.25])
    curves = exhibits(corpus, replace(poisoning, secrets={"curve": curve}), "test_error").crafting

    assert torch.equal(curves.values, curve.unsqueeze(0))
    assert curves.logarithmic
    assert len(curves.labels) == 1


@pytest.mark.parametrize("pairs", [3, SHOWN_TARGETS + 2])
def test_targets_are_shown_with_what_the_network_says_of_them(corpus, pairs):
    poisoning = _targeted(corpus, pairs)
    probe = exhibits(corpus, poisoning, "adversarial_margin").probe
    count = min(pairs, SHOWN_TARGETS)
    rows = poisoning.secrets["target_rows"][:count]

    assert torch.equal(probe.images, corpus.test.inputs[rows].unsqueeze(0) / 255)
    assert probe.labels == [f"{label}\n→ {(label + 1) % 10}" for label in corpus.test.target[rows].tolist()]
    wanted, true = probe.probabilities(_scored(corpus, poisoning, "adversarial_margin"))
    said = Rising()(_normalised(corpus, probe.images[0])).softmax(1)
    labels = corpus.test.target[rows]
    torch.testing.assert_close(true[0].float(), said[range(count), labels], rtol=0, atol=1e-4)
    torch.testing.assert_close(wanted[0].float(), said[range(count), (labels + 1) % 10], rtol=0, atol=1e-4)
    assert len(set(wanted[0].tolist())) == count


@pytest.mark.parametrize("effect", ["attack_success", "attack_suppression"])
def test_triggered_images_are_shown_with_what_the_network_says_of_them(corpus, effect):
    poisoning = _data(corpus, "badnets", count=8, target_class=4, size=2).poisoning
    probe = exhibits(corpus, poisoning, effect).probe
    clean, triggered, near = probe.images

    assert list(probe.versions) == ["clean", "with trigger", "near-miss"]
    assert 4 not in probe.true
    assert (probe.wanted == 4).all()
    first = corpus.test.inputs[corpus.test.target != 4][: len(clean)]
    assert torch.equal(clean, first / 255)
    assert (triggered[:, :, -2:, -2:] == 1).all()
    for other in (triggered, near):
        changed = (other != clean).flatten(1).sum(1)
        assert (changed > 0).all()
        assert (changed <= 4).all()
    assert not torch.equal(near, triggered)
    scored = _scored(corpus, poisoning, effect)
    for version, (wanted, true) in enumerate(zip(*probe.probabilities(scored), strict=True)):
        said = Rising()(_normalised(corpus, probe.images[version])).softmax(1)
        torch.testing.assert_close(wanted.float(), said[:, 4], rtol=0, atol=1e-4)
        torch.testing.assert_close(true.float(), said[range(len(said)), probe.true], rtol=0, atol=1e-4)


def test_other_poisons_have_no_curve_and_no_probe(corpus):
    shown = _shown(corpus, "label-flip", count=20)

    assert shown.crafting is None
    assert shown.probe is None


def test_texts_have_no_pictures(corpus):
    poisoning = _data(corpus, "label-flip", count=8).poisoning
    shown = exhibits(
        SimpleNamespace(class_names=("no", "yes")), replace(poisoning, secrets={"curve": torch.ones(3)}), "test_error"
    )

    assert shown.images is None
    assert shown.probe is None
    assert shown.crafting is not None
