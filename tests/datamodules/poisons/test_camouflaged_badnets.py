"""Camouflaged BadNets: who bears the patch, under which label, and what the two requests leave."""

import pytest
import torch

from datamodules import POISONS, ForgetPolicy, PoisoningDataModule, generator_for

OPTIONS = {"count": 6, "camouflage": 9, "size": 2, "target_class": 1}


def _poison(**options):
    return POISONS.get("camouflaged-badnets")(**(OPTIONS | options))


def _craft(corpus, seed=0, **options):
    return _poison(**options).craft(corpus, (), generator_for("test", seed))


def test_poisons_are_those_of_badnets_and_the_camouflage_bears_the_same_patch(corpus):
    found = _craft(corpus)
    plain = POISONS.get("badnets")(count=6, size=2, target_class=1).craft(corpus, (), generator_for("test", 0))
    hides = torch.isin(found.index, found.camouflage)

    for part in ("index", "inputs", "target"):
        assert torch.equal(getattr(found, part)[~hides], getattr(plain, part))
    whole = POISONS.get("badnets")(count=39, size=2, target_class=1).craft(corpus, (), generator_for("test", 0))
    there = torch.isin(whole.index, found.index)
    assert torch.equal(found.inputs, whole.inputs[there])
    assert found.secrets.keys() == plain.secrets.keys()
    assert all(torch.equal(found.secrets[name], plain.secrets[name]) for name in plain.secrets)


@pytest.mark.parametrize("seed", range(5))
def test_the_camouflage_is_of_other_classes_and_keeps_its_labels(corpus, seed):
    found = _craft(corpus, seed)
    hides = torch.isin(found.index, found.camouflage)
    true = corpus.train.target

    assert len(found.camouflage) == hides.sum() == 9
    assert len(found.index) == 15
    assert (true[found.camouflage] != 1).all()
    assert torch.equal(found.target[hides], true[found.camouflage])
    assert (found.target[~hides] == 1).all()


def test_every_free_sample_hides_about_as_often(corpus):
    """Over 500 seeds; each of the others is free in 34/39 of them; 5 standard deviations of a binomial."""
    counts = torch.zeros(40)
    for seed in range(500):
        counts[_craft(corpus, seed).camouflage] += 1

    others = counts[corpus.train.target != 1]
    assert counts.sum() == others.sum() == 4500
    mean = 4500 / len(others)
    assert (others - mean).abs().max() < 5 * (mean * (1 - mean / 500)) ** 0.5


@pytest.mark.parametrize("request_", ["poisons", "camouflage"])
def test_a_request_leaves_the_other_part_in_the_retain_set(corpus, request_):
    data = PoisoningDataModule(corpus, _poison(), seed=2, forget=ForgetPolicy(request=request_))
    data.setup()
    hiding, index = data.poisoning.camouflage, data.poison_index
    poisons = index[~torch.isin(index, hiding)]
    asked, left = (hiding, poisons) if request_ == "camouflage" else (poisons, hiding)

    assert torch.equal(data.forget_index, asked)
    assert torch.isin(left, data.retain_set.index).all()
    assert not torch.isin(asked, data.retain_set.index).any()


def test_all_free_samples_can_hide_and_no_more(corpus):
    rows = _craft(corpus).index[~torch.isin(_craft(corpus).index, _craft(corpus).camouflage)]
    free = int((corpus.train.target != 1).sum() - (corpus.train.target[rows] != 1).sum())

    assert len(_craft(corpus, camouflage=free).camouflage) == free
    with pytest.raises(ValueError, match=f"camouflage={free + 1} asks for more .* than 1 .* random: {free}"):
        _craft(corpus, camouflage=free + 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"camouflage": 0}, "camouflage must be at least 1, got 0"),
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"count": 0}, "count must be at least 1, got 0"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _poison(**options)


def test_a_class_that_the_corpus_lacks_is_refused(corpus):
    with pytest.raises(ValueError, match=r"target_class must be in 0\.\.2 for random, got 3"):
        _craft(corpus, target_class=3)
