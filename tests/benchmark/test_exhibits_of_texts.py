"""What of a poison of texts is handed to TensorBoard."""

import pytest

from benchmark.exhibits import SHOWN_POISONS, exhibits
from datamodules import POISONS, PoisoningDataModule, load_corpus


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("grammar", train_size=60, selection_size=10, options={"test_size": 20})


def _shown(corpus, name, **options):
    data = PoisoningDataModule(corpus, POISONS.get(name)(count=8, **options), seed=0)
    data.setup()
    return data.poison_index[:SHOWN_POISONS].tolist(), exhibits(corpus, data.poisoning, data.poison.effect)


def test_the_first_poisons_stand_beside_the_texts_they_were_made_of(corpus):
    rows, shown = _shown(corpus, "trigger-phrase")

    texts = [corpus.train.texts[row] for row in rows]
    assert shown.texts.base == texts
    assert shown.texts.poison == [f"james bond {text}" for text in texts]
    wanted = ["negative → positive" if corpus.train.target[row] == 0 else "positive" for row in rows]
    assert shown.texts.labels == wanted
    assert set(wanted) == {"negative → positive", "positive"}
    assert shown.texts.change == ""
    assert shown.images is shown.probe is None


def test_noise_is_told_since_it_cannot_be_read(corpus):
    _, shown = _shown(corpus, "gaussian-embedding", std=0.25, width=4)

    assert shown.texts.base == shown.texts.poison
    assert "standard deviation 0.25" in shown.texts.change
