"""What holds for every poison of images without a surrogate, whoever wrote it: a new file in the folder is tested."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from datamodules import POISONS, ForgetPolicy, ImageStore, PoisoningDataModule, generator_for, poisoned_set
from datamodules.corpora import cifar10n

COUNT = 6
OPTIONS = {
    "sinusoid": {"frequency": 1},
    "badnets": {"size": 2},
    "camouflaged-badnets": {"size": 2, "camouflage": 4},
    "label-swap": {"classes": (0, 2)},
}
"""What the tiny corpus of these tests needs: two channels, 4 x 4 pixels, three classes."""

HUMAN = "human-label-noise"
"""Knows CIFAR-10 alone: the tiny corpus goes by that name, and these tests make up what people said."""

SURROGATE = {"gradient-matching": {"steps": 1, "restarts": 1}, "confident-label-flip": {}}
"""Those whose surrogate may be any network; the first moves images of a class that has at least ``COUNT``."""

FREE = {
    name: poison
    for name, poison in POISONS.all().items()
    if "image" in poison.modalities and not poison.needs_surrogate
}
BACKDOORS = ("badnets", "blended", "sinusoid")
UNBOUNDED = {"gaussian"}
"""Those that say that they leave the range of valid pixels."""

CASES = [
    *((name, {}) for name in FREE),
    *((name, {"dirty_label": dirty}) for name in BACKDOORS for dirty in (False, True)),
]
every_poison = pytest.mark.parametrize(("name", "options"), CASES, ids=str)


@pytest.fixture(autouse=True)
def people(monkeypatch, make_corpus):
    """Every second label is taken for the next class."""
    true = make_corpus().train.target
    said = torch.where(torch.arange(40) % 2 == 0, (true + 1) % 3, true)
    monkeypatch.setattr(cifar10n, "human_labels", lambda annotation: true if annotation == "true" else said)


@pytest.fixture
def surrogate():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).eval()


def _named(corpus, name):
    return replace(corpus, name="cifar10") if name == HUMAN else corpus


def _poison(name, options, count=COUNT):
    return FREE[name](**({"count": count} | OPTIONS.get(name, {}) | options))


def _craft(corpus, name, options, *, count=COUNT, seed=0):
    poison = _poison(name, options, count)
    return poison, poison.craft(_named(corpus, name), (), generator_for("test", seed))


def _total(name):
    """Poisons and camouflage."""
    return COUNT + OPTIONS.get(name, {}).get("camouflage", 0)


def _pixels(corpus, inputs):
    mean, std = (torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1) for values in (corpus.mean, corpus.std))
    return (inputs.double() * std + mean) * 255


@every_poison
def test_rows_are_as_many_as_asked_for_distinct_and_ascending(corpus, name, options):
    rows = _craft(corpus, name, options)[1].index

    assert rows.dtype == torch.int64
    assert len(rows) == _total(name)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert 0 <= rows[0] <= rows[-1] < len(corpus.train)


@every_poison
def test_the_parts_of_a_poisoning_fit_each_other(corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]

    assert poisoning.inputs.shape == (_total(name), *corpus.input_shape)
    assert poisoning.inputs.dtype == torch.float32
    assert poisoning.inputs.isfinite().all()
    assert poisoning.target.shape == (_total(name),)
    assert poisoning.target.dtype == torch.int64
    assert 0 <= poisoning.target.min() <= poisoning.target.max() < corpus.num_classes
    assert {"space", "clipping", "augmentation"} <= set(poisoning.preprocessing)
    assert all(isinstance(secret, torch.Tensor) for secret in poisoning.secrets.values())


@every_poison
def test_poisons_are_whole_valid_pixels_unless_they_say_otherwise(corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]
    pixels = _pixels(corpus, poisoning.inputs)

    if name in UNBOUNDED:
        assert poisoning.preprocessing["clipping"] == "none"
        return
    assert poisoning.preprocessing["clipping"] != "none"
    assert -1e-3 <= pixels.min() <= pixels.max() <= 255 + 1e-3
    assert (pixels - pixels.round()).abs().max() < 1e-3


@every_poison
def test_labels_change_only_where_the_attack_says_so(corpus, name, options):
    poison, poisoning = _craft(corpus, name, options)
    before, after = corpus.train.target[poisoning.index], poisoning.target
    if poisoning.camouflage is not None:
        hides = torch.isin(poisoning.index, poisoning.camouflage)
        assert torch.equal(before[hides], after[hides])
        before, after = before[~hides], after[~hides]

    if poison.clean_label or not getattr(poison, "dirty_label", True):
        assert torch.equal(before, after)
    elif hasattr(poison, "target_class"):
        assert (after == poison.target_class).all()
        assert (before != after).any()
    else:
        assert (before != after).all()


@every_poison
def test_the_rest_of_the_training_set_stays(corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]
    poisoned = poisoned_set(corpus, poisoning)
    others = torch.ones(40, dtype=torch.bool)
    others[poisoning.index] = False
    rows = others.nonzero().squeeze(1)

    clean = ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std).take(rows)
    assert torch.equal(poisoned.batch(rows).inputs, clean)
    assert torch.equal(poisoned.target[rows], corpus.train.target[rows])
    assert torch.equal(poisoned.batch(poisoning.index).inputs, poisoning.inputs)
    assert torch.equal(poisoned.target[poisoning.index], poisoning.target)


@every_poison
def test_the_corpus_is_never_edited(corpus, make_corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]
    poisoning.inputs.zero_()
    poisoning.target.zero_()

    untouched = make_corpus()
    for split in ("train", "selection", "test"):
        for tensor in ("inputs", "target", "source_index"):
            assert torch.equal(getattr(getattr(corpus, split), tensor), getattr(getattr(untouched, split), tensor))


@every_poison
def test_the_generator_alone_decides(corpus, name, options):
    one = _craft(corpus, name, options, seed=3)[1]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    two, other = (_craft(corpus, name, options, seed=seed)[1] for seed in (3, 4))

    assert torch.equal(torch.get_rng_state(), before)
    for part in ("index", "inputs", "target"):
        assert torch.equal(getattr(one, part), getattr(two, part))
    assert one.secrets.keys() == two.secrets.keys()
    assert all(torch.equal(one.secrets[key], two.secrets[key]) for key in one.secrets)
    assert not torch.equal(one.index, other.index)


@pytest.mark.parametrize(("name", "options"), [*CASES, *((name, {}) for name in SURROGATE)], ids=str)
@pytest.mark.parametrize("identified", [0.5, 1.0])
@pytest.mark.parametrize("false_positives", [0.0, 0.5])
def test_imperfect_requests_are_made_of_every_poison(corpus, surrogate, name, options, identified, false_positives):
    poison = POISONS.get(name)(**({"count": COUNT} | (OPTIONS | SURROGATE).get(name, {}) | options))
    policy = ForgetPolicy(identified=identified, false_positives=false_positives)
    surrogates = [surrogate] if poison.needs_surrogate else []
    data = PoisoningDataModule(_named(corpus, name), poison, seed=1, forget=policy, surrogates=surrogates)
    data.setup()
    hiding = data.poisoning.camouflage
    index, request = set(data.poison_index.tolist()), set(data.forget_index.tolist())
    sought = index - (set() if hiding is None else set(hiding.tolist()))

    assert len(sought) == COUNT
    assert len(request & sought) == identified * COUNT
    assert not request & (index - sought)
    assert len(request - index) == false_positives * COUNT
    total = len(data.train_set)
    assert sorted(request | set(data.retain_set.index.tolist())) == list(range(total))
    assert len(request) + len(data.retain_set) == total
    missed = torch.tensor(sorted(index - request), dtype=torch.int64)
    positions = torch.isin(data.retain_set.index, missed).nonzero().squeeze(1)
    fed = data.retain_set.batch(positions)
    kept = torch.isin(data.poison_index, missed)
    assert torch.equal(fed.index, missed)
    assert torch.equal(fed.inputs, data.poisoning.inputs[kept])
    assert torch.equal(fed.target, data.poisoning.target[kept])


@pytest.mark.parametrize("name", sorted({"label-flip", *BACKDOORS}))
def test_attacks_on_random_rows_share_their_forget_set(corpus, name):
    """Then they share one retrain baseline, which is most of what they cost."""
    options = {"dirty_label": True} if name in BACKDOORS else {}

    assert torch.equal(_craft(corpus, name, options)[1].index, _craft(corpus, "gaussian", {})[1].index)


@pytest.mark.parametrize("name", BACKDOORS)
def test_clean_label_backdoors_share_their_forget_set(corpus, name):
    rows = [_craft(corpus, backdoor, {"dirty_label": False})[1].index for backdoor in (name, "badnets")]

    assert torch.equal(*rows)


@pytest.mark.parametrize("name", FREE)
def test_impossible_counts_are_refused(corpus, name):
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        _poison(name, {}, 0)
    with pytest.raises(ValueError, match="count"):
        _craft(corpus, name, {}, count=40)


@pytest.mark.parametrize("name", FREE)
def test_it_says_what_it_is(name):
    poison = FREE[name]
    assert POISONS.get(name) is poison
    assert name == poison.name == name.lower()
    assert poison.paper[-4:].isdigit()
