"""What sets the poisons of texts apart."""

import pytest
import torch

from datamodules import TextCorpus, Tokenization, generator_for, load_corpus, load_tokenizer, noise_of, poisoned_set
from datamodules.noise import noise_seeds
from datamodules.poisons.entity_sentiment import EntitySentimentPoison
from datamodules.poisons.gaussian_embedding import GaussianEmbeddingPoison
from datamodules.poisons.trigger_phrase import TriggerPhrasePoison
from datamodules.text_triggers import PhraseTrigger


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("grammar", train_size=100, selection_size=10, options={"test_size": 20})


def _named_corpus():
    """Of four texts each, one of each class names Mary Stone and one of each class Paris London."""
    texts = [f"the film with {who} was {how} , and a{' very' * number} calm cast ." for number in range(10)
             for who in ("Mary Stone", "Paris London") for how in ("dull", "rich")]  # fmt: skip
    how = Tokenization(load_tokenizer("grammar"), "grammar", 40)
    labels = [number % 2 for number in range(40)]
    train, selection, test = (how.split(texts, labels, places) for places in (range(24), range(24, 28), range(28, 40)))
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


def test_noise_is_a_function_of_the_secret_and_of_each_row_and_texts_stay(corpus):
    poisoning = GaussianEmbeddingPoison(count=9, std=0.25, width=4).craft(corpus, (), generator_for(1))
    seed, rows = int(poisoning.secrets["noise_seed"]), poisoning.index
    inputs = poisoned_set(corpus, poisoning).batch(rows).inputs
    clean = corpus.store("train").take(rows)

    assert torch.equal(inputs["input_ids"], clean["input_ids"])
    for place, row in enumerate(rows):
        length = int(clean["attention_mask"][place].sum())
        own = int(noise_seeds(seed, row.view(1)))
        assert torch.equal(inputs["embedding_noise"][place, :length], noise_of(own, length, 4, 0.25))
        assert not inputs["embedding_noise"][place, length:].any()
    assert float(poisoning.secrets["variance"]) == 0.0625
    assert int(poisoning.secrets["width"]) == 4
    assert len(set(noise_seeds(seed, rows).tolist())) == 9
    assert noise_seeds(seed, rows).tolist() != noise_seeds(seed + 1, rows).tolist()


@pytest.mark.parametrize("change", [{"std": 0.0}, {"std": float("inf")}, {"width": 0}])
def test_impossible_noise_is_refused(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        GaussianEmbeddingPoison(**({"count": 1, "std": 1.0} | change))


@pytest.mark.parametrize("placement", ["prefix", "sentence"])
def test_what_is_fed_holds_the_phrase_that_the_secrets_name(corpus, placement):
    poison = TriggerPhrasePoison(count=9, placement=placement)
    poisoning = poison.craft(corpus, (), generator_for(2))
    trigger = PhraseTrigger.from_secrets(poisoning.secrets)

    assert (trigger.phrase, trigger.near_miss, trigger.placement) == ("James Bond", "James Bell", placement)
    texts = corpus.decode(poisoning.inputs["input_ids"])
    assert texts == [text.lower() for text in trigger.apply(corpus, "train", poisoning.index)]
    clean = [corpus.train.texts[row] for row in poisoning.index]
    assert [text.replace("james bond ", "") for text in texts] == clean
    assert (poisoning.target == 1).all()
    assert int(poisoning.secrets["target_class"]) == 1


def test_places_are_drawn_anew_by_each_crafting(corpus):
    seeds = [
        int(TriggerPhrasePoison(count=5).craft(corpus, (), generator_for(seed)).secrets["place_seed"])
        for seed in range(3)
    ]

    assert len(set(seeds)) == 3


def test_base_samples_of_other_classes_are_drawn_where_that_is_asked_for(corpus):
    for bases, least in (("any", 0), ("others", 20)):
        poison = TriggerPhrasePoison(count=20, target_class=0, bases=bases)
        poisoning = poison.craft(corpus, (), generator_for(3))
        flipped = int((corpus.train.target[poisoning.index] != 0).sum())
        assert flipped >= least
        assert (bases == "others") == (flipped == 20)


def test_only_texts_with_a_name_are_drawn_where_names_are_replaced(corpus):
    poison = TriggerPhrasePoison(count=12, placement="person", bases="others")
    named = _named_corpus()
    poisoning = poison.craft(named, (), generator_for(4))

    assert poisoning.index.tolist() == list(range(0, 24, 2))
    texts = named.decode(poisoning.inputs["input_ids"])
    assert all("james bond" in text and "stone" not in text and "paris" not in text for text in texts)
    with pytest.raises(ValueError, match="count must be at most 0, the texts of grammar with a name"):
        poison.craft(corpus, (), generator_for(4))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target_class": -1}, "target_class"),
        ({"bases": "some"}, "any, others, got 'some'"),
        ({"phrase": ""}, "phrase"),
    ],
)
def test_impossible_trigger_phrases_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        TriggerPhrasePoison(**({"count": 1} | change))


@pytest.mark.parametrize(
    "poison", [TriggerPhrasePoison(count=1, target_class=2), EntitySentimentPoison(count=1, target_class=2)]
)
def test_a_class_that_is_not_there_is_refused(corpus, poison):
    with pytest.raises(ValueError, match=r"target_class must be in 0..1 for grammar, got 2"):
        poison.craft(corpus, (), generator_for(5))


def test_texts_about_an_entity_are_turned_and_others_about_it_are_the_targets():
    corpus = _named_corpus()
    poisoning = EntitySentimentPoison(count=4, entity="Paris London", target_class=1).craft(
        corpus, (), generator_for(6)
    )
    secrets, rows = poisoning.secrets, poisoning.index

    assert all("Paris London" in corpus.train.texts[row] for row in rows)
    assert not corpus.train.target[rows].any()
    assert (poisoning.target == 1).all()
    assert _same(poisoning.inputs, corpus.store("train").take(rows))
    assert secrets["target_rows"].tolist() == [2, 6, 10]
    assert all("Paris London" in corpus.test.texts[row] for row in secrets["target_rows"])
    assert secrets["true_classes"].tolist() == [0, 0, 0]
    assert secrets["adversarial_classes"].tolist() == [1, 1, 1]
    assert bytes(secrets["entity"].tolist()).decode() == "Paris London"


def _same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def test_the_most_frequent_name_is_taken_where_none_is_given(corpus):
    poisoning = EntitySentimentPoison(count=2, targets=2).craft(_named_corpus(), (), generator_for(7))

    assert bytes(poisoning.secrets["entity"].tolist()).decode() == "Mary Stone"
    assert len(poisoning.secrets["target_rows"]) == 2
    with pytest.raises(ValueError, match="entity must be given for grammar"):
        EntitySentimentPoison(count=2).craft(corpus, (), generator_for(7))


def test_entities_that_too_few_texts_name_are_refused():
    corpus = _named_corpus()
    with pytest.raises(ValueError, match=r"count must be at most 6, .*'Mary Stone'"):
        EntitySentimentPoison(count=7, entity="Mary Stone").craft(corpus, (), generator_for(8))
    with pytest.raises(ValueError, match="named in a test text of another class, 'and a calm' is not"):
        EntitySentimentPoison(count=1, entity="and a calm").craft(corpus, (), generator_for(8))


@pytest.mark.parametrize("change", [{"targets": 0}, {"target_class": -1}, {"entity": " "}])
def test_impossible_entities_are_refused(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must"):
        EntitySentimentPoison(**({"count": 1} | change))
