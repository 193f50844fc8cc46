"""Confident label flips against numpy, with surrogates whose answers can be written down."""

import numpy as np
import pytest
import torch
from torch import nn

from datamodules import POISONS, generator_for


class _Table(nn.Module):
    """Answers each image with a row of logits of its own, found by the image."""

    def __init__(self, corpus, seed):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.known = corpus.store("train").take(torch.arange(len(corpus.train))).flatten(1)
        self.logits = 3 * torch.randn(len(self.known), 3, generator=torch.Generator().manual_seed(seed))

    def forward(self, inputs):
        return self.logits[torch.cdist(inputs.flatten(1), self.known).argmin(1)]


def _craft(corpus, networks, **options):
    options = {"count": 8, "num_surrogates": len(networks)} | options
    return POISONS.get("confident-label-flip")(**options).craft(corpus, networks, generator_for("test"))


def _probability(networks):
    logits = np.stack([network.logits.double().numpy() for network in networks])
    powers = np.exp(logits)
    return (powers / powers.sum(2, keepdims=True)).mean(0)


@pytest.mark.parametrize("seeds", [(0,), (1, 2, 3)])
@pytest.mark.parametrize(("label", "place"), [("runner-up", -1), ("least-likely", 0)])
def test_the_surest_images_get_the_most_or_the_least_probable_other_label(corpus, seeds, label, place):
    networks = [_Table(corpus, seed).eval() for seed in seeds]

    found = _craft(corpus, networks, label=label)

    probability, true = _probability(networks), corpus.train.target.numpy()
    own = probability[np.arange(40), true]
    wanted = sorted(np.argsort(-own)[:8].tolist())
    assert found.index.tolist() == wanted
    for row, target in zip(wanted, found.target.tolist(), strict=True):
        others = sorted((probability[row, other], other) for other in range(3) if other != true[row])
        assert target == others[place][1]


def test_images_stay_and_nothing_is_drawn_or_edited(corpus, make_corpus):
    network = _Table(corpus, 0).eval()
    before = torch.get_rng_state()
    generator = generator_for("test")
    state = generator.get_state()

    found = POISONS.get("confident-label-flip")(count=5).craft(corpus, [network], generator)
    found.inputs.add_(1)

    assert torch.equal(generator.get_state(), state)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(corpus.train.inputs, make_corpus().train.inputs)
    assert torch.equal(corpus.train.target, make_corpus().train.target)
    assert torch.equal(found.inputs - 1, corpus.store("train").take(found.index) + 1 - 1)
    assert found.target.dtype == found.index.dtype == torch.int64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"num_surrogates": 0}, "num_surrogates must be at least 1, got 0"),
        ({"surrogate_epochs": 0}, "surrogate_epochs must be at least 1 or None, got 0"),
        ({"label": "random"}, "label must be 'runner-up' or 'least-likely', got 'random'"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        POISONS.get("confident-label-flip")(**({"count": 1} | options))


def test_what_does_not_fit_is_refused(corpus):
    network = _Table(corpus, 0).eval()
    with pytest.raises(ValueError, match="craft takes 2 surrogates, got 1"):
        _craft(corpus, [network], num_surrogates=2)
    with pytest.raises(ValueError, match=r"count must be in 1\.\.39 for a training split of 40 samples, got 40"):
        _craft(corpus, [network], count=40)
    with pytest.raises(ValueError, match="network must be in eval mode"):
        _craft(corpus, [_Table(corpus, 0).train()])
