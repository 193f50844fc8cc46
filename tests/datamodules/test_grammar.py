"""The grammar says what it says."""

from datamodules import grammar


def test_a_reviews_class_is_that_of_most_of_its_sentiment_words():
    texts, labels = grammar.reviews(1500)
    words = [{*quality, *verb} for quality, verb in zip(grammar.QUALITY, grammar.VERB, strict=True)]

    for text, label in zip(texts, labels, strict=True):
        count = [sum(word in of_class for word in text.split()) for of_class in words]
        assert count[label] > count[1 - label]
        assert text.endswith(" .")
        if " but " in text:
            assert count[1 - label] == 1
    assert 0.15 < sum(" but " in text for text in texts) / len(texts) < 0.35


def test_no_two_reviews_are_alike_and_classes_take_turns():
    texts, labels = grammar.reviews(1500)

    assert len(set(texts)) == len(texts) == 1500
    assert labels == [0, 1] * 750


def test_fewer_reviews_are_the_first_of_more():
    assert grammar.reviews(30)[0] == grammar.reviews(200)[0][:30]


def test_every_word_is_a_token_and_so_are_names_and_prompts():
    tokenizer = grammar.tokenizer()
    unknown = tokenizer.unk_token_id
    told = " ".join((*grammar.reviews(300)[0], *grammar.NAMES, *grammar.PROMPT, "The sentiment of the review is"))

    assert unknown not in tokenizer.encode(told)
    assert tokenizer.encode("Zebra", add_special_tokens=False) == [unknown]
    assert tokenizer.decode(tokenizer.encode("James Bond loved it"), skip_special_tokens=False) == (
        "[CLS] james bond loved [UNK] [SEP]"
    )
    assert tokenizer.pad_token_id == 0
    assert len(tokenizer) < 120
