"""The Gaussian poison: the noise it says, on the rows it says, and nothing else."""

import pytest
import torch
from scipy import stats

from datamodules import POISONS, ImageStore, gaussian_noise, generator_for, poisoned_set
from datamodules.poisons import GaussianPoison

COUNT, VARIANCE = 11, 0.32


def _craft(corpus, count=COUNT, variance=VARIANCE, seed=0):
    return GaussianPoison(count=count, variance=variance).craft(corpus, (), generator_for("test", seed))


def _base(corpus, rows):
    return ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std).take(rows)


def _noise(poisoning):
    rows, shape = poisoning.index, tuple(poisoning.inputs.shape[1:])
    return gaussian_noise(int(poisoning.secrets["noise_seed"]), rows, shape, float(poisoning.secrets["variance"]))


@pytest.mark.parametrize("variance", [0.01, 0.32, 4.0])
def test_noise_is_normal_with_the_variance_asked_for(variance):
    """Kolmogorov-Smirnov at 0.001 over 60,000 draws, which tells a variance 3 % off; rows do not correlate."""
    noise = gaussian_noise(5, torch.arange(1000), (3, 4, 5), variance).double()

    assert stats.kstest(noise.flatten().numpy(), "norm", args=(0, variance**0.5)).pvalue > 0.001
    correlation = torch.corrcoef(noise.flatten(1))
    correlation.fill_diagonal_(0)
    assert correlation.abs().max() < 6.5 / 60**0.5  # half a million pairs, each N(0, 1/60)
    assert stats.kstest((noise.flatten(1).mean(1) * (60 / variance) ** 0.5).numpy(), "norm").pvalue > 0.001


def test_noise_of_a_row_does_not_depend_on_the_other_rows():
    everything = gaussian_noise(5, torch.arange(40), (2, 4, 4), VARIANCE)

    assert torch.equal(gaussian_noise(5, torch.tensor([31, 2, 31]), (2, 4, 4), VARIANCE), everything[[31, 2, 31]])
    assert not torch.equal(gaussian_noise(6, torch.tensor([2]), (2, 4, 4), VARIANCE), everything[[2]])
    assert len(everything.flatten(1).unique(dim=0)) == 40


def test_noise_ignores_and_leaves_the_global_generator():
    torch.manual_seed(1)
    first = gaussian_noise(5, torch.arange(3), (2, 4, 4), VARIANCE)
    torch.manual_seed(2)
    before = torch.get_rng_state()

    assert torch.equal(gaussian_noise(5, torch.arange(3), (2, 4, 4), VARIANCE), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_poisoned_inputs_are_clean_base_plus_noise_in_normalised_space(corpus):
    poisoning = _craft(corpus)

    added = poisoning.inputs - _base(corpus, poisoning.index)

    torch.testing.assert_close(added, _noise(poisoning), rtol=0, atol=1e-6)
    assert torch.equal(poisoning.inputs, _base(corpus, poisoning.index) + _noise(poisoning))
    assert "normalised" in poisoning.preprocessing["space"]


def test_noise_is_not_clipped_to_the_pixel_range(corpus):
    poisoning = _craft(corpus, variance=4.0)
    lowest = torch.tensor([-mean / std for mean, std in zip(corpus.mean, corpus.std, strict=True)]).view(1, -1, 1, 1)
    highest = lowest + 1 / torch.tensor(corpus.std).view(1, -1, 1, 1)

    assert (poisoning.inputs < lowest - 0.1).any()
    assert (poisoning.inputs > highest + 0.1).any()
    assert poisoning.preprocessing["clipping"] == "none"


def test_rows_are_distinct_ascending_and_as_many_as_asked_for(corpus):
    rows = _craft(corpus).index

    assert len(rows) == len(_craft(corpus)) == COUNT
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert 0 <= rows[0] <= rows[-1] < len(corpus.train)


def test_every_row_is_equally_likely(corpus):
    """Chi-squared over 40 rows in 1,000 draws without replacement; the 0.999 quantile with 39 degrees is 72.1."""
    counts = torch.zeros(40)
    for seed in range(1000):
        counts[_craft(corpus, count=4, seed=seed).index] += 1

    assert ((counts - 100) ** 2 / 100).sum() < 72.1


def test_labels_stay(corpus):
    poisoning = _craft(corpus)

    assert GaussianPoison.clean_label
    assert torch.equal(poisoning.target, corpus.train.target[poisoning.index])
    assert torch.equal(poisoned_set(corpus, poisoning).target, corpus.train.target)


def test_the_poisoned_set_differs_from_the_clean_one_in_the_poisons_only(corpus):
    poisoning = _craft(corpus)
    everything = torch.arange(40)

    inputs = poisoned_set(corpus, poisoning).batch(everything).inputs

    changed = (inputs != _base(corpus, everything)).flatten(1).any(1)
    assert changed.nonzero().squeeze(1).tolist() == poisoning.index.tolist()
    assert torch.equal(inputs[poisoning.index], poisoning.inputs)


def test_the_corpus_is_never_edited(corpus, make_corpus):
    poisoning = _craft(corpus)
    poisoned = poisoned_set(corpus, poisoning)
    poisoned.batch(torch.arange(40)).inputs.zero_()
    poisoned.target.zero_()

    untouched = make_corpus()
    for split in ("train", "selection", "test"):
        for tensor in ("inputs", "target", "source_index"):
            assert torch.equal(getattr(getattr(corpus, split), tensor), getattr(getattr(untouched, split), tensor))


def test_the_generator_alone_decides(corpus):
    one = _craft(corpus, seed=3)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    two, other = _craft(corpus, seed=3), _craft(corpus, seed=4)

    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.index, two.index)
    assert torch.equal(one.inputs, two.inputs)
    assert one.secrets == two.secrets
    assert other.secrets["noise_seed"] != one.secrets["noise_seed"]
    assert not torch.equal(other.index, one.index)


def test_rows_do_not_depend_on_the_variance(corpus):
    """Then attacks of different strength share one retrain baseline."""
    assert torch.equal(_craft(corpus, variance=0.1).index, _craft(corpus, variance=2.0).index)


@pytest.mark.parametrize("variance", [0, -1.0, float("nan"), float("inf")])
def test_impossible_variances_are_refused(variance):
    with pytest.raises(ValueError, match="variance must be positive and finite, got"):
        GaussianPoison(count=1, variance=variance)


def test_impossible_counts_are_refused(corpus):
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        GaussianPoison(count=0)
    with pytest.raises(ValueError, match=r"count must be in 1\.\.39 for a training split of 40 samples, got 40"):
        _craft(corpus, count=40)
    assert len(_craft(corpus, count=39)) == 39


def test_it_says_what_it_is():
    assert POISONS.get("gaussian") is GaussianPoison
    assert GaussianPoison.effect == "gaussian_correlation"
    assert not GaussianPoison.needs_surrogate
    assert "Pawelczyk" in GaussianPoison.paper
