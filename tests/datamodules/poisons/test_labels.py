"""Wrong labels: which ones, on which samples, and clean images under them."""

import pytest
import torch

from datamodules import POISONS, ImageStore, generator_for


def _craft(corpus, name, seed=0, **options):
    return POISONS.get(name)(**options).craft(corpus, (), generator_for("test", seed))


@pytest.mark.parametrize(("name", "options"), [("label-flip", {}), ("label-swap", {"classes": (0, 2)})])
def test_images_stay_as_they_are(corpus, name, options):
    poisoning = _craft(corpus, name, count=6, **options)

    clean = ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std)
    assert torch.equal(poisoning.inputs, clean.take(poisoning.index))


def test_a_flip_gives_every_other_label_equally_often(make_corpus):
    """Each of 6 pairs (from, to) is binomial around a half of its class; 5 standard deviations."""
    corpus = make_corpus(train=6001)
    poisoning = _craft(corpus, "label-flip", count=6000)
    before, after = corpus.train.target[poisoning.index], poisoning.target

    counts = torch.zeros(3, 3)
    counts.index_put_((before, after), torch.ones(6000), accumulate=True)
    assert (counts.diagonal() == 0).all()
    share = counts / counts.sum(1, keepdim=True)
    assert (share[~torch.eye(3, dtype=torch.bool)] - 0.5).abs().max() < 5 * (0.25 / 1900) ** 0.5


@pytest.mark.parametrize("count", [6, 7])
def test_a_swap_exchanges_the_labels_of_two_classes_half_of_each(corpus, count):
    poisoning = _craft(corpus, "label-swap", count=count, classes=(2, 0))
    before, after = corpus.train.target[poisoning.index], poisoning.target

    assert before.bincount(minlength=3).tolist() == [count // 2, 0, count - count // 2]
    assert torch.equal(after, 2 - before)
    assert poisoning.secrets["classes"].tolist() == [2, 0]


@pytest.mark.parametrize("classes", [(1, 1), (0, 1, 2), (-1, 0)])
def test_impossible_classes_are_refused(classes):
    with pytest.raises(ValueError, match="classes must be two different numbers from 0 on, got"):
        POISONS.get("label-swap")(count=1, classes=classes)


def test_classes_that_the_corpus_lacks_are_refused(corpus):
    with pytest.raises(ValueError, match=r"classes must be in 0\.\.2 for random, got \(3, 5\)"):
        _craft(corpus, "label-swap", count=1)
