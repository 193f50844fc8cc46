import pytest
import torch

from datamodules import TextCorpus, Tokenization, load_tokenizer
from datamodules.text_triggers import (
    PhraseTrigger,
    frequent_names,
    mentions,
    person_names,
    sentence_starts,
)

TEXTS = [
    "The plot was dull . We saw Mary Stone in it ! The end .",
    "the film was bright .",
    "The cast , with Paris London in it , was rich . Very calm . Truly funny . We loved it .",
    "Mary Stone was in it .",
]


def _corpus(texts=TEXTS, max_length=40):
    how = Tokenization(load_tokenizer("grammar"), "grammar", max_length)
    split = how.split(texts, [row % 2 for row in range(len(texts))], range(len(texts)))
    return TextCorpus(
        name="toy",
        version="1",
        train=split,
        selection=split,
        test=split,
        class_names=("bad", "good"),
        source="here",
        tokenization=how,
    )


def _trigger(placement, seed=0):
    return PhraseTrigger("James Bond", "James Bell", placement, seed)


def _spans(text):
    return [text[start:stop] for start, stop in person_names(text)]


def test_sentences_begin_at_the_start_and_after_a_mark_and_white_space():
    text = 'No. He said "yes!" Then 3.5 stars?  Gone.'

    assert [text[start:][:4] for start in sentence_starts(text)] == ["No. ", "He s", "Then", "Gone"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("we saw Mary Stone and Paris London .", ["Mary Stone", "Paris London"]),
        ("Mary Stone was there . Paris London too", []),
        ("The Mary Stone film", ["Mary Stone"]),
        ("we saw MARY STONE , mary stone and Mary , Stone", []),
        ("with McMary Stoney or Mary StoneX", []),
    ],
)
def test_names_are_two_capitalised_words_in_a_row_that_begin_no_sentence(text, names):
    assert _spans(text) == names


def test_names_are_counted_once_a_text_and_come_in_order():
    texts = ["so Mary Stone met Mary Stone", "so Paris London met Mary Stone", "so Bell Bond"]

    assert frequent_names(texts) == [("Mary Stone", 2), ("Bell Bond", 1), ("Paris London", 1)]


def test_a_prefix_stands_before_the_text():
    corpus = _corpus()
    rows = torch.tensor([1, 0])

    assert _trigger("prefix").apply(corpus, "train", rows) == [f"James Bond {TEXTS[row]}" for row in (1, 0)]
    assert _trigger("prefix").apply(corpus, "train", rows, near=True)[0] == f"James Bell {TEXTS[1]}"


def test_a_sentence_is_preceded_by_the_phrase_at_a_place_that_seed_split_and_row_decide():
    corpus, rows = _corpus(), torch.tensor([2])
    allowed = {TEXTS[2][:start] + "James Bond " + TEXTS[2][start:] for start in sentence_starts(TEXTS[2])}
    found = [_trigger("sentence", seed).apply(corpus, "train", rows)[0] for seed in range(40)]

    assert set(found) == allowed
    assert len(allowed) == 4
    assert found == [_trigger("sentence", seed).apply(corpus, "train", rows)[0] for seed in range(40)]
    assert found != [_trigger("sentence", seed).apply(corpus, "test", rows)[0] for seed in range(40)]


def test_the_near_miss_goes_to_the_very_same_place():
    corpus, rows = _corpus(), torch.tensor([0, 2])
    for placement in ("sentence", "person"):
        for seed in range(10):
            trigger = _trigger(placement, seed)
            marked, near = (trigger.apply(corpus, "train", rows, near=flag) for flag in (False, True))
            assert [text.replace("James Bond", "James Bell") for text in marked] == near


def test_a_name_is_replaced_and_texts_without_one_do_not_fit():
    corpus, trigger = _corpus(), _trigger("person")

    assert trigger.fitting(corpus, "train", torch.tensor([3, 2, 1, 0])).tolist() == [2, 0]
    assert trigger.apply(corpus, "train", torch.tensor([0])) == [TEXTS[0].replace("Mary Stone", "James Bond")]
    with pytest.raises(ValueError, match="row 1 has none"):
        trigger.apply(corpus, "train", torch.tensor([1]))


@pytest.mark.parametrize("placement", ["prefix", "sentence", "person"])
@pytest.mark.parametrize("max_length", [8, 12, 16, 40])
def test_the_phrase_is_among_the_tokens_that_are_left_of_a_long_text(placement, max_length):
    corpus = _corpus(max_length=max_length)
    known = corpus.tokenizer.get_vocab()
    for seed in range(10):
        trigger = _trigger(placement, seed)
        rows = trigger.fitting(corpus, "train", torch.arange(4))
        for near, second in ((False, "bond"), (True, "bell")):
            if len(rows):
                ids = corpus.encode(trigger.apply(corpus, "train", rows, near=near))["input_ids"]
                assert ids.shape[1] <= max_length
                assert (ids == known["james"]).any(1).all()
                assert (ids == known[second]).any(1).all()


def test_names_that_are_cut_off_do_not_count():
    assert _trigger("person").fitting(_corpus(max_length=12), "train", torch.arange(4)).tolist() == [2]
    assert mentions(_corpus(max_length=12), "train", "Mary Stone").tolist() == [0, 3]
    assert mentions(_corpus(max_length=9), "train", "Mary Stone").tolist() == [3]


def test_mentions_are_whole_words_in_the_same_case():
    corpus = _corpus(["a Mary Stone film", "a mary stone film", "a Mary Stoney film", "aMary Stone", "(Mary Stone)"])

    assert mentions(corpus, "train", "Mary Stone").tolist() == [0, 4]
    assert mentions(corpus, "train", "Nobody").tolist() == []


def test_secrets_are_bytes_and_give_the_trigger_back():
    trigger = PhraseTrigger("Zoë Bond", "James Bell", "sentence", 12345)
    secrets = trigger.secrets()

    assert PhraseTrigger.from_secrets(secrets) == trigger
    assert bytes(secrets["phrase"].tolist()).decode() == "Zoë Bond"
    assert secrets["phrase"].dtype == torch.uint8


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"phrase": " "}, "phrase must hold a word"),
        ({"near_miss": ""}, "near_miss must hold a word"),
        ({"near_miss": "James Bond"}, "must differ"),
        ({"placement": "suffix"}, "prefix, sentence, person, got 'suffix'"),
    ],
)
def test_impossible_triggers_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        PhraseTrigger(**({"phrase": "James Bond", "near_miss": "James Bell", "placement": "prefix"} | change))


def test_a_phrase_that_leaves_no_token_to_the_text_is_refused():
    with pytest.raises(ValueError, match="leaves no room for a text of 4 tokens"):
        _trigger("prefix").apply(_corpus(max_length=4), "train", torch.tensor([0]))
