"""Human label noise: what people said, looked up by the row of CIFAR-10's own file."""

from dataclasses import replace

import pytest
import torch

from datamodules import POISONS, ImageStore, generator_for, load_corpus
from datamodules.corpora import cifar10n


@pytest.fixture
def cifar(corpus):
    """A corpus that goes by CIFAR-10's name; its training rows lie in its file in another order."""
    order = torch.randperm(100, generator=torch.Generator().manual_seed(3))[:40]
    return replace(corpus, name="cifar10", train=replace(corpus.train, source_index=order))


@pytest.fixture
def said(cifar, monkeypatch):
    """What three people say of all 100 images of the file, wrong for every third one, and for all in the rest."""
    true = torch.randint(3, (100,), generator=torch.Generator().manual_seed(1))
    true[cifar.train.source_index] = cifar.train.target
    wrong = (true + 1 + torch.arange(100) % 2) % 3
    labels = {"true": true, "worst": torch.where(torch.arange(100) % 3 == 0, wrong, true), "random2": wrong}
    monkeypatch.setattr(cifar10n, "human_labels", lambda annotation: labels[annotation])
    return labels


def _craft(corpus, seed=0, **options):
    return POISONS.get("human-label-noise")(**options).craft(corpus, (), generator_for("test", seed))


@pytest.mark.parametrize("annotation", ["worst", "random2"])
def test_labels_are_those_that_the_person_gave_and_images_stay(cifar, said, annotation):
    poisoning = _craft(cifar, count=7, annotation=annotation)

    rows = cifar.train.source_index[poisoning.index]
    assert torch.equal(poisoning.target, said[annotation][rows])
    assert (poisoning.target != cifar.train.target[poisoning.index]).all()
    clean = ImageStore.clean(cifar.train.inputs, cifar.mean, cifar.std)
    assert torch.equal(poisoning.inputs, clean.take(poisoning.index))


def test_every_wrong_label_is_drawn_as_often_as_another(cifar, said):
    """Chi-squared over the wrong rows in 600 draws; the bound is its 0.999 quantile for up to 20 rows."""
    wrong = (said["worst"][cifar.train.source_index] != cifar.train.target).nonzero().squeeze(1)
    counts = torch.zeros(40)
    for seed in range(600):
        counts[_craft(cifar, seed, count=4).index] += 1

    assert 8 <= len(wrong) <= 20
    assert counts.sum() == counts[wrong].sum() == 2400
    expected = 2400 / len(wrong)
    assert ((counts[wrong] - expected) ** 2 / expected).sum() < 43.8


def test_all_wrong_labels_can_be_asked_for_and_no_more(cifar, said):
    wrong = int((said["worst"][cifar.train.source_index] != cifar.train.target).sum())

    assert len(_craft(cifar, count=wrong)) == wrong
    with pytest.raises(ValueError, match=rf"count must be in 1\.\.{wrong}, .*'worst'.* 40 samples, got {wrong + 1}"):
        _craft(cifar, count=wrong + 1)


def test_another_corpus_is_refused(corpus):
    with pytest.raises(ValueError, match="corpus must be cifar10 for human-label-noise, got random"):
        _craft(corpus, count=1)


def test_labels_in_another_order_are_refused(cifar, said):
    shifted = replace(cifar, train=replace(cifar.train, source_index=(cifar.train.source_index + 1) % 100))
    with pytest.raises(ValueError, match="in another order than those of cifar10"):
        _craft(shifted, count=1)


@pytest.mark.parametrize("annotation", ["true", "best"])
def test_an_annotation_that_nobody_made_is_refused(annotation):
    with pytest.raises(ValueError, match=f"annotation must be one of aggregate, .*, worst, got '{annotation}'"):
        POISONS.get("human-label-noise")(count=1, annotation=annotation)


@pytest.mark.data
def test_it_is_crafted_on_the_true_corpus():
    corpus = load_corpus("cifar10", train_size=5_000, selection_size=2_000)
    poisoning = _craft(corpus, count=2_093)  # all that are wrong among the first 5,000

    assert torch.equal(poisoning.target, cifar10n.human_labels("worst")[poisoning.index])
    cats = corpus.train.target[poisoning.index] == corpus.class_names.index("cat")
    assert poisoning.target[cats].bincount().argmax() == corpus.class_names.index("dog")
    with pytest.raises(ValueError, match=r"count must be in 1\.\.2093"):
        _craft(corpus, count=2_094)
