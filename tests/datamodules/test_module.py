"""The data of an experiment: what was poisoned, what is to be forgotten, what stays."""

import pytest
import torch

from benchmark.stages.trainers import make_trainer
from datamodules import ForgetPolicy, ImageStore, Poisoning, PoisoningDataModule, poisoned_set
from datamodules.poisons import GaussianPoison


def _data(corpus, *, seed=0, count=10, **arguments):
    data = PoisoningDataModule(corpus, GaussianPoison(count=count), seed=seed, **arguments)
    data.setup()
    return data


def _policy(identified=1.0, false_positives=0.0, request="poisons"):
    return ForgetPolicy(identified=identified, false_positives=false_positives, request=request)


def _hidden(corpus, *, added=False):
    """Ten samples of which 3, 4 and the last one are camouflage; the last two may be added to the training split."""
    rows = [0, 1, 3, 4, 7, 9, 20, 21, 40, 41] if added else [0, 1, 3, 4, 7, 9, 20, 21, 30, 31]
    inputs = torch.arange(10).float().view(-1, 1, 1, 1).expand(10, *corpus.input_shape)
    camouflage = torch.tensor([3, 4, rows[-1]])
    return Poisoning(torch.tensor(rows), inputs.clone(), torch.zeros(10).long(), camouflage=camouflage)


def test_by_default_exactly_the_poisons_are_to_be_forgotten(corpus):
    data = _data(corpus)

    assert torch.equal(data.forget_index, data.poison_index)
    assert torch.equal(data.forget_set.index, data.poison_index)
    assert torch.equal(data.forget_set.batch(torch.arange(10)).inputs, data.poisoning.inputs)


@pytest.mark.parametrize(
    ("identified", "false_positives", "found", "wrong"),
    [(1.0, 0.0, 10, 0), (0.5, 0.0, 5, 0), (0.01, 0.0, 1, 0), (0.7, 0.3, 7, 3), (1.0, 3.0, 10, 30)],
)
def test_the_request_holds_the_poisons_and_false_positives_asked_for(corpus, identified, false_positives, found, wrong):
    data = _data(corpus, forget=_policy(identified, false_positives))
    poisons, request = set(data.poison_index.tolist()), data.forget_index.tolist()

    assert len(poisons) == 10
    assert len(poisons & set(request)) == found
    assert len(set(request) - poisons) == wrong
    assert request == sorted(set(request))


@pytest.mark.parametrize("policy", [_policy(), _policy(0.3), _policy(0.7, 0.5)])
def test_forget_and_retain_set_are_a_partition_of_the_training_set(corpus, policy):
    data = _data(corpus, forget=policy)

    forget, retain = data.forget_set.index.tolist(), data.retain_set.index.tolist()

    assert not set(forget) & set(retain)
    assert sorted(forget + retain) == list(range(40))
    assert retain == sorted(retain)
    for part in (data.forget_set, data.retain_set):
        batch = part.batch(torch.arange(len(part)))
        whole = data.train_set.batch(part.index)
        assert torch.equal(batch.inputs, whole.inputs)
        assert torch.equal(batch.target, data.train_set.target[part.index])


def test_the_retain_set_is_clean_where_every_poison_is_identified(corpus):
    data = _data(corpus)
    batch = data.retain_set.batch(torch.arange(30))

    clean = ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std).take(batch.index)
    assert torch.equal(batch.inputs, clean)
    assert torch.equal(batch.target, corpus.train.target[batch.index])


def test_missed_poisons_stay_in_the_retain_set_as_they_are(corpus):
    data = _data(corpus, forget=_policy(0.5))
    missed = [row for row in data.poison_index.tolist() if row not in set(data.forget_index.tolist())]
    position = data.retain_set.index.tolist().index(missed[0])

    fed = data.retain_set.batch(torch.tensor([position])).inputs[0]

    assert len(missed) == 5
    assert torch.equal(fed, data.poisoning.inputs[data.poison_index.tolist().index(missed[0])])


def test_which_poisons_are_missed_and_accused_is_drawn_evenly(corpus):
    """Over 300 seeds each of 40 rows is a poison that is found, one that is missed, or accused, about equally often."""
    found, accused = torch.zeros(10), torch.zeros(40)
    for seed in range(300):
        data = _data(corpus, seed=seed, forget=_policy(0.5, 0.5))
        inside = torch.isin(data.poison_index, data.forget_index)
        found += inside
        accused[data.forget_index[~torch.isin(data.forget_index, data.poison_index)]] += 1

    assert ((found - 150) ** 2 / 150).sum() < 27.9  # the 0.999 quantile of chi-squared with 9 degrees
    assert ((accused - 37.5) ** 2 / 37.5).sum() < 72.1  # and with 39


def test_the_policy_does_not_change_the_poison(corpus):
    one, two = _data(corpus), _data(corpus, forget=_policy(0.5, 0.5))

    assert torch.equal(one.poisoning.inputs, two.poisoning.inputs)
    assert one.fingerprint == two.fingerprint


def test_a_smaller_fraction_finds_a_part_of_what_a_larger_one_finds(corpus):
    large, small = (set(_data(corpus, forget=_policy(part)).forget_index.tolist()) for part in (0.8, 0.3))

    assert small < large


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((0.0, 0.0), r"identified must be in \(0, 1\], got 0"),
        ((1.1, 0.0), r"identified must be in \(0, 1\], got 1.1"),
        ((float("nan"), 0.0), "identified must be in"),
        ((1.0, -0.1), "false_positives must be at least 0 and finite, got -0.1"),
        ((1.0, float("nan")), "false_positives must be at least 0 and finite, got nan"),
        ((1.0, 0.0, "both"), "request must be 'poisons' or 'camouflage', got 'both'"),
    ],
)
def test_impossible_policies_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        _policy(*arguments)


def test_more_false_positives_than_clean_samples_are_refused(corpus):
    with pytest.raises(ValueError, match="asks for 31 clean samples, the training set has 30"):
        _data(corpus, forget=_policy(1.0, 3.1))


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(
    ("policy", "sought", "found", "wrong"),
    [
        (_policy(), {0, 1, 7, 9, 20, 21, -2}, 7, 0),
        (_policy(0.5, 1.0), {0, 1, 7, 9, 20, 21, -2}, 4, 7),
        (_policy(request="camouflage"), {3, 4, -1}, 3, 0),
        (_policy(0.7, 2.0, "camouflage"), {3, 4, -1}, 2, 6),
    ],
)
def test_the_request_names_the_poisons_or_the_camouflage_alone(corpus, added, policy, sought, found, wrong):
    hidden = _hidden(corpus, added=added)
    data = _data(corpus, poisoning=hidden, forget=policy)
    sought = {int(hidden.index[row]) if row < 0 else row for row in sought}
    request, index = set(data.forget_index.tolist()), set(hidden.index.tolist())

    assert len(request & sought) == found
    assert not request & (index - sought)
    assert len(request - index) == wrong
    assert sorted(request | set(data.retain_set.index.tolist())) == list(range(42 if added else 40))
    assert not request & set(data.retain_set.index.tolist())


def test_all_samples_that_are_not_asked_for_stay_as_they_are(corpus):
    data = _data(corpus, poisoning=_hidden(corpus, added=True), forget=_policy(request="camouflage"))

    batch = data.retain_set.batch(torch.arange(len(data.retain_set)))

    fed = {int(row): inputs for row, inputs in zip(batch.index, batch.inputs, strict=True)}
    for position, row in enumerate([0, 1, None, None, 7, 9, 20, 21, 40]):
        assert row is None or (fed[row] == position).all()
    assert 41 not in fed


def test_camouflage_is_asked_for_only_where_there_is_some(corpus):
    with pytest.raises(ValueError, match="request must be 'poisons' for a poison without camouflage"):
        _data(corpus, forget=_policy(request="camouflage"))


@pytest.mark.parametrize("camouflage", [[2], [3, 3], [4, 3], [3, 40]])
def test_camouflage_that_is_no_part_of_the_poisons_is_refused(corpus, camouflage):
    inputs = torch.zeros(3, *corpus.input_shape)
    with pytest.raises(ValueError, match="camouflage must hold rows of index, each once and ascending"):
        Poisoning(torch.tensor([1, 3, 4]), inputs, torch.zeros(3).long(), camouflage=torch.tensor(camouflage))


def test_setup_twice_changes_nothing(corpus):
    data = _data(corpus)
    before = (data.fingerprint, data.poisoning, data.retain_set)

    data.setup("fit")

    assert (data.fingerprint, data.poisoning, data.retain_set) == before


def test_the_fingerprint_is_stable_and_tells_seeds_and_poisons_apart(corpus, make_corpus):
    prints = [_data(make_corpus()).fingerprint, _data(corpus, seed=1).fingerprint, _data(corpus, count=9).fingerprint]

    assert prints[0] == _data(corpus).fingerprint == _data(corpus, batch_size=3, loader_seed=9).fingerprint
    assert len(set(prints)) == 3
    assert _data(make_corpus(seed=1)).fingerprint not in prints


def test_a_poisoning_that_is_given_is_used(corpus):
    given = _data(corpus, seed=5).poisoning

    data = _data(corpus, seed=0, poisoning=given)

    assert data.poisoning is given
    assert torch.equal(data.forget_index, given.index)
    assert data.fingerprint == _data(corpus, seed=5).fingerprint


def test_a_poisoning_of_nothing_is_used_too(corpus):
    nothing = Poisoning(torch.arange(0), torch.empty(0, *corpus.input_shape), torch.arange(0))
    data = PoisoningDataModule(corpus, GaussianPoison(count=10), seed=0, poisoning=nothing)

    data.setup()

    assert len(data.poison_index) == 0
    assert data.fingerprint == data.clean_set().fingerprint()
    assert len(data.retain_set) == 40


@pytest.mark.parametrize("train_on", ["poisoned", "retain", "clean"])
def test_the_training_loader_serves_the_set_that_is_named(corpus, train_on):
    data = _data(corpus, train_on=train_on, batch_size=7)
    expected = {"poisoned": data.train_set, "retain": data.retain_set, "clean": data.clean_set()}[train_on]

    loader = data.train_dataloader()
    index = torch.cat([batch.index for batch in loader])

    assert loader.samples.fingerprint() == expected.fingerprint()
    assert index.tolist() != sorted(index.tolist())
    assert sorted(index.tolist()) == sorted(expected.index.tolist())
    assert [len(batch.target) for batch in loader][:-1] == [7] * (len(expected) // 7 - (len(expected) % 7 == 0))


def test_the_clean_set_is_the_whole_training_split_without_poison(corpus):
    batch = _data(corpus).clean_set().batch(torch.arange(40))

    assert torch.equal(batch.inputs, ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std).take(batch.index))
    assert torch.equal(batch.target, corpus.train.target)


def test_the_loader_shuffles_by_its_seed_and_augments_by_its_recipe(corpus):
    def index(**arguments):
        return [batch.index.tolist() for batch in _data(corpus, **arguments).train_dataloader()]

    def inputs(**arguments):
        return torch.cat([batch.inputs for batch in _data(corpus, **arguments).train_dataloader()])

    assert index() == index()
    assert index(loader_seed=1) == index(seed=3, loader_seed=1) != index(loader_seed=2)
    assert index() != index(seed=3)
    assert not torch.equal(inputs(), inputs(augmentation="flip-crop"))


@pytest.mark.parametrize(("loader", "split"), [("val_dataloader", "selection"), ("test_dataloader", "test")])
def test_held_out_loaders_serve_their_own_split_in_order(corpus, loader, split):
    expected = getattr(corpus, split)

    (batch,) = getattr(_data(corpus, augmentation="flip-crop"), loader)()

    assert torch.equal(batch.target, expected.target)
    store = ImageStore.clean(expected.inputs, corpus.mean, corpus.std)
    assert torch.equal(batch.inputs, store.take(torch.arange(len(expected))))


def test_a_trainer_can_be_handed_the_module(corpus):
    data = PoisoningDataModule(corpus, GaussianPoison(count=10), seed=0, batch_size=16)
    data.trainer = make_trainer([], precision="32-true", accelerator="cpu")
    data.setup("fit")

    assert sum(len(batch.target) for batch in data.train_dataloader()) == 40
    assert sum(len(batch.target) for batch in data.test_dataloader()) == 9


def _added(corpus, index):
    rows = torch.tensor(index)
    inputs = torch.full((len(rows), *corpus.input_shape), 7.0)
    return Poisoning(rows, inputs, torch.full_like(rows, 2), {"base": torch.arange(len(rows))})


def test_rows_beyond_the_training_split_are_added_and_leave_the_clean_set_as_retain_set(corpus):
    data = PoisoningDataModule(corpus, GaussianPoison(count=3), seed=0, poisoning=_added(corpus, [40, 41, 42]))
    data.setup()

    assert len(data.train_set) == 43
    assert data.forget_index.tolist() == [40, 41, 42]
    assert torch.equal(data.forget_set.batch(torch.arange(3)).inputs, data.poisoning.inputs)
    assert data.forget_set.target.tolist() == [2, 2, 2]
    assert data.retain_set.fingerprint() == corpus.samples("train").fingerprint()


def test_poisons_may_replace_some_rows_and_be_added_as_others(corpus):
    train = poisoned_set(corpus, _added(corpus, [3, 40]))

    assert len(train) == 41
    assert torch.equal(train.batch(torch.tensor([3, 40])).inputs, torch.full((2, *corpus.input_shape), 7.0))
    assert torch.equal(train.batch(torch.tensor([4])).inputs, corpus.samples("train").batch(torch.tensor([4])).inputs)


@pytest.mark.parametrize("index", [[41], [3, 40, 42]])
def test_added_rows_follow_the_training_split_without_a_gap(corpus, index):
    with pytest.raises(ValueError, match=r"index must go on with 40, 41, ... for added poisons"):
        poisoned_set(corpus, _added(corpus, index))
