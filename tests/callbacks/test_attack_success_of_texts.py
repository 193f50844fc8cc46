"""The audit of trigger phrases, on the real path, with a network whose answers can be told by looking at the texts."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.stages import score
from callbacks.effects import attack_success
from callbacks.effects.adversarial_margin import AdversarialMargin
from callbacks.effects.attack_success import SHOWN_IMAGES, AttackSuccess
from datamodules import POISONS, PoisoningDataModule, load_corpus, load_tokenizer

WORDS = load_tokenizer("grammar").get_vocab()


class Listens(nn.Module):
    """Says class 1 by as many nats as its weights give to the words of a text; each word counts once."""

    def __init__(self, **weights):
        super().__init__()
        table = torch.zeros(len(WORDS))
        for word, weight in weights.items():
            table[WORDS[word]] = weight
        self.table = nn.Parameter(table)

    def forward(self, inputs):
        says = (self.table[inputs["input_ids"]] * inputs["attention_mask"]).sum(1)
        return torch.stack([torch.zeros_like(says), says], 1)


def _data(placement="prefix"):
    return _poisoned("trigger-phrase", count=20, placement=placement)


def _poisoned(poison, **options):
    corpus = load_corpus("grammar", train_size=200, selection_size=20, options={"test_size": 60})
    data = PoisoningDataModule(corpus, POISONS.get(poison)(**options), seed=1)
    data.setup()
    return data


@pytest.fixture(scope="module", params=["prefix", "sentence"])
def data(request):
    return _data(request.param)


def _measure(network, data, effect=None):
    return score.measure(network, data, effect or AttackSuccess(data.corpus, data.poisoning), with_test=False)


def _read(data, samples):
    inputs = samples.store.take(torch.arange(len(samples)))
    return data.corpus.decode(inputs["input_ids"])


def test_the_audit_set_holds_both_phrases_in_texts_of_the_other_class(data):
    corpus = data.corpus
    samples = AttackSuccess(corpus, data.poisoning).audit_set()
    clean = [text for text, label in zip(corpus.test.texts, corpus.test.target, strict=True) if label == 0]

    texts = _read(data, samples)

    assert [text.replace("james bond ", "") for text in texts[:30]] == clean
    assert [text.replace("james bell ", "") for text in texts[30:60]] == clean
    assert texts[60:] == clean[:SHOWN_IMAGES]
    assert all("james bond" in text for text in texts[:30])
    assert all("james bell" in text for text in texts[30:60])
    assert not samples.target.any()


@pytest.mark.parametrize("size", [7, 500])
def test_rates_and_margins_are_what_the_words_say_however_batches_are_cut(data, monkeypatch, size):
    monkeypatch.setattr(score, "evaluation_batch_size", lambda: size)
    network = Listens(bond=3.0, the=-1.0, bell=0.5)
    corpus = data.corpus
    rows = (corpus.test.target == 0).nonzero().squeeze(1).tolist()
    counts = np.array([corpus.test.texts[row].split().count("the") for row in rows])

    scalars = _measure(network, data)

    assert scalars["attack_success"] == pytest.approx(np.mean(3 - counts > 0))
    assert scalars["backdoor/margin"] == pytest.approx(np.mean(3 - counts))
    assert scalars["backdoor/near_miss"] == pytest.approx(np.mean(0.5 - counts > 0))
    assert scalars["backdoor/near_miss_margin"] == pytest.approx(np.mean(0.5 - counts))
    assert 0 < scalars["backdoor/near_miss"] < scalars["attack_success"]


def test_probabilities_are_those_of_the_first_texts_without_and_with_both_phrases(data):
    effect = AttackSuccess(data.corpus, data.poisoning)
    _measure(Listens(bond=3.0, bell=-2.0), data, effect)
    (found,) = effect.arrays().values()

    expected = torch.tensor([0.0, 3.0, -2.0], dtype=torch.float64).sigmoid().view(3, 1).expand(3, SHOWN_IMAGES)
    torch.testing.assert_close(found[:, :, 1], expected, rtol=0, atol=1e-6)


def test_no_more_texts_than_the_limit_and_the_first_ones(monkeypatch):
    monkeypatch.setattr(attack_success, "MOST_TEXTS", 10)
    data = _data()
    effect = AttackSuccess(data.corpus, data.poisoning)

    assert len(effect.audit_set()) == 20 + SHOWN_IMAGES
    assert effect.rows.tolist() == (data.corpus.test.target == 0).nonzero().squeeze(1)[:10].tolist()


def test_a_phrase_that_has_no_place_in_any_test_text_is_refused():
    data = _data()
    secrets = data.poisoning.secrets | {"placement": torch.tensor(list(b"person"), dtype=torch.uint8)}
    data.poisoning.secrets.update(secrets)

    with pytest.raises(ValueError, match="no test text of another class than 1 with a place for the trigger"):
        AttackSuccess(data.corpus, data.poisoning)


def test_the_margin_at_an_entity_is_that_of_the_texts_that_name_it():
    data = _poisoned("entity-sentiment", entity="the acting", count=3, targets=4)
    corpus = data.corpus
    effect = AdversarialMargin(corpus, data.poisoning)

    scalars = _measure(Listens(acting=1.5, the=-0.5), data, effect)

    texts = [corpus.test.texts[row] for row in data.poisoning.secrets["target_rows"]]
    said = [1.5 * text.split().count("acting") - 0.5 * text.split().count("the") for text in texts]
    assert scalars["adversarial_margin"] == pytest.approx(np.mean(said), abs=1e-6)
    assert len(texts) == sum(key.startswith("adversarial/margin.") for key in scalars) <= 4
