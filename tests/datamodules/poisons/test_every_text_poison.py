"""What holds for every poison of texts that needs no surrogate, whoever wrote it: a new file is tested here."""

import pytest
import torch

from datamodules import POISONS, ForgetPolicy, PoisoningDataModule, TextCorpus, generator_for, load_corpus, poisoned_set
from datamodules.checkpoints import load_tokenizer
from datamodules.corpora.text import Tokenization
from datamodules.text_store import NOISE

COUNT = 6
OPTIONS = {
    "gaussian-embedding": {"std": 0.5, "width": 4},
    "trigger-phrase": {},
    "entity-sentiment": {"entity": "Mary Stone"},
}
FREE = {
    name: poison for name, poison in POISONS.all().items() if "text" in poison.modalities and not poison.needs_surrogate
}
PLACEMENTS = ("prefix", "sentence", "person")
BASES = ("any", "others")
CASES = [
    *((name, {}) for name in FREE),
    *(("trigger-phrase", {"placement": placement, "bases": bases}) for placement in PLACEMENTS for bases in BASES),
]
every_poison = pytest.mark.parametrize(("name", "options"), CASES, ids=str)


def _corpus():
    """Sixty texts of two classes; of each class every second one names somebody in its middle."""
    texts = []
    for number in range(80):
        who = "with Mary Stone in it" if number // 2 % 2 else "with nobody in it"
        words = ("dull", "weak", "clever", "moving")[number % 4], "very " * (number % 5)
        texts.append(f"The film was {words[1]}{words[0]} . We liked the cast {who} . The end ! number {number}")
    how = Tokenization(load_tokenizer("grammar"), "grammar", 48)
    labels = [number % 2 for number in range(80)]
    train, selection, test = (how.split(texts, labels, places) for places in (range(60), range(60, 64), range(64, 80)))
    return TextCorpus(
        name="toy",
        version="1",
        train=train,
        selection=selection,
        test=test,
        class_names=("bad", "good"),
        source="here",
        tokenization=how,
    )


@pytest.fixture
def corpus():
    return _corpus()


def _poison(name, options, count=COUNT):
    return FREE[name](**({"count": count} | OPTIONS.get(name, {}) | options))


def _craft(corpus, name, options, *, count=COUNT, seed=0):
    poison = _poison(name, options, count)
    return poison, poison.craft(corpus, (), generator_for("test", seed))


def _same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def _rows_of(inputs):
    return [ids[mask.bool()].tolist() for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)]


@every_poison
def test_rows_are_as_many_as_asked_for_distinct_and_ascending(corpus, name, options):
    rows = _craft(corpus, name, options)[1].index

    assert rows.dtype == torch.int64
    assert len(rows) == COUNT
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert 0 <= rows[0] <= rows[-1] < len(corpus.train)


@every_poison
def test_the_parts_of_a_poisoning_fit_each_other(corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]
    inputs = poisoning.inputs

    assert set(inputs) in ({"input_ids", "attention_mask"}, {"input_ids", "attention_mask", *NOISE})
    assert inputs["input_ids"].shape == inputs["attention_mask"].shape
    assert {len(value) for value in inputs.values()} == {COUNT}
    assert inputs["input_ids"].shape[1] <= corpus.max_length
    assert poisoning.target.shape == (COUNT,)
    assert poisoning.target.dtype == torch.int64
    assert 0 <= poisoning.target.min() <= poisoning.target.max() < corpus.num_classes
    assert {"space", "augmentation"} <= set(poisoning.preprocessing)
    assert all(isinstance(secret, torch.Tensor) for secret in poisoning.secrets.values())


@every_poison
def test_labels_change_only_where_the_attack_says_so(corpus, name, options):
    poison, poisoning = _craft(corpus, name, options)
    before, after = corpus.train.target[poisoning.index], poisoning.target

    if poison.clean_label:
        assert torch.equal(before, after)
    else:
        assert (after == poison.target_class).all()
        assert (before != after).any()
        if getattr(poison, "bases", "others") == "others":
            assert (before != after).all()


@every_poison
def test_the_rest_of_the_training_set_stays(corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]
    poisoned = poisoned_set(corpus, poisoning)
    others = torch.ones(60, dtype=torch.bool)
    others[poisoning.index] = False
    rows = others.nonzero().squeeze(1)

    assert _same(poisoned.batch(rows).inputs, corpus.store("train").take(rows))
    assert torch.equal(poisoned.target[rows], corpus.train.target[rows])
    assert _rows_of(poisoned.batch(poisoning.index).inputs) == _rows_of(poisoning.inputs)
    assert torch.equal(poisoned.target[poisoning.index], poisoning.target)
    assert ("embedding_noise" in poisoned.batch(poisoning.index).inputs) == ("noise_seed" in poisoning.inputs)


@every_poison
def test_the_corpus_is_never_edited(corpus, name, options):
    poisoning = _craft(corpus, name, options)[1]
    for value in (*poisoning.inputs.values(), poisoning.target):
        value.zero_()

    assert corpus.fingerprint == _corpus().fingerprint


@every_poison
def test_the_generator_alone_decides(corpus, name, options):
    one = _craft(corpus, name, options, seed=3)[1]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    two, other = (_craft(corpus, name, options, seed=seed)[1] for seed in (3, 4))

    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.index, two.index)
    assert torch.equal(one.target, two.target)
    assert _same(one.inputs, two.inputs)
    assert _same(one.secrets, two.secrets)
    assert not torch.equal(one.index, other.index)


@every_poison
@pytest.mark.parametrize(("identified", "false_positives"), [(0.5, 0.0), (1.0, 0.5)])
def test_imperfect_requests_are_made_of_every_poison(corpus, name, options, identified, false_positives):
    policy = ForgetPolicy(identified=identified, false_positives=false_positives)
    data = PoisoningDataModule(corpus, _poison(name, options), seed=1, forget=policy)
    data.setup()
    index, request = set(data.poison_index.tolist()), set(data.forget_index.tolist())

    assert len(request & index) == identified * COUNT
    assert len(request - index) == false_positives * COUNT
    assert len(request) + len(data.retain_set) == 60


def test_attacks_on_random_rows_share_their_forget_set(corpus):
    """Then they share one retrain baseline, which is most of what they cost."""
    noise = _craft(corpus, "gaussian-embedding", {})[1].index
    for placement in ("prefix", "sentence"):
        assert torch.equal(_craft(corpus, "trigger-phrase", {"placement": placement})[1].index, noise)


def test_their_retain_sets_have_one_fingerprint(corpus):
    fingerprints = set()
    for name in ("trigger-phrase", "gaussian-embedding"):
        data = PoisoningDataModule(corpus, _poison(name, {}), seed=1)
        data.setup()
        fingerprints.add(data.retain_set.fingerprint())

    assert len(fingerprints) == 1


@pytest.mark.parametrize("name", FREE)
def test_impossible_counts_are_refused(corpus, name):
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        _poison(name, {}, 0)
    with pytest.raises(ValueError, match="count"):
        _craft(corpus, name, {}, count=60)


@pytest.mark.parametrize("name", FREE)
def test_images_are_refused(name):
    with pytest.raises(ValueError, match=f"corpus must hold texts for {name}, got digits"):
        _craft(load_corpus("digits"), name, {})


@pytest.mark.parametrize("name", FREE)
def test_it_says_what_it_is(name):
    poison = FREE[name]
    assert POISONS.get(name) is poison
    assert name == poison.name == name.lower()
    assert poison.paper[-4:].isdigit()
