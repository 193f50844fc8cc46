"""Texts in memory: what a batch holds, what replacing leaves behind, and that padding is nobody's business."""

import pytest
import torch

from datamodules import EMBEDDING_NOISE, SampleSet, TextStore, Tokens, noise_of

TEXTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13], [14, 15]]
PAD = 99


def _store():
    return TextStore.clean(Tokens.of(TEXTS), PAD)


def _values(texts, **noise):
    length = 2 + max(len(text) for text in texts)  # more padding than needed
    ids = torch.tensor([text + [0] * (length - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (length - len(text)) for text in texts])
    return {"input_ids": ids, "attention_mask": mask} | noise


def _noise(*seeds, std=0.5, width=4):
    count = len(seeds)
    return {
        "noise_seed": torch.tensor(seeds),
        "noise_std": torch.full((count,), std),
        "noise_width": torch.full((count,), width),
    }


def _texts(store, rows):
    inputs = store.take(torch.tensor(rows))
    return [ids[mask.bool()].tolist() for ids, mask in zip(*list(inputs.values())[:2], strict=True)]


def test_take_pads_on_the_right_to_the_longest_of_the_batch():
    inputs = _store().take(torch.tensor([3, 0]))

    assert inputs["input_ids"].tolist() == [[14, 15, PAD], [5, 6, 7]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert {key: value.dtype for key, value in inputs.items()} == dict.fromkeys(inputs, torch.int64)
    assert set(inputs) == {"input_ids", "attention_mask"}


def test_a_batch_of_mixed_lengths_holds_what_each_row_holds_alone():
    store = _store().replace(torch.tensor([0, 3]), _values(TEXTS[:1] + TEXTS[3:], **_noise(11, 12)))
    together = store.take(torch.arange(4))

    for row in range(4):
        alone = store.take(torch.tensor([row]))
        length = len(TEXTS[row])
        assert together["input_ids"][row, :length].tolist() == alone["input_ids"][0].tolist() == TEXTS[row]
        assert together["attention_mask"][row].tolist() == [1] * length + [0] * (5 - length)
        noise = together[EMBEDDING_NOISE][row]
        assert torch.equal(noise[:length], alone.get(EMBEDDING_NOISE, torch.zeros(1, length, 4))[0])
        assert not noise[length:].any()


def test_lengths_and_rows_follow_the_order_asked_for():
    assert _store().lengths(torch.tensor([2, 1, 2])).tolist() == [5, 1, 5]
    assert _texts(_store(), [2, 1, 2]) == [TEXTS[2], TEXTS[1], TEXTS[2]]
    assert len(_store()) == 4
    assert _store().take(torch.tensor([], dtype=torch.int64))["input_ids"].shape == (0, 0)


def test_replaced_rows_feed_the_new_texts_and_the_others_what_they_fed():
    store = _store().replace(torch.tensor([2, 1]), _values([[1, 2], [3, 4, 5, 6]]))

    assert _texts(store, [0, 1, 2, 3]) == [TEXTS[0], [3, 4, 5, 6], [1, 2], TEXTS[3]]
    assert store.lengths(torch.arange(4)).tolist() == [3, 4, 2, 2]


def test_nothing_of_the_replaced_texts_stays_in_the_store_and_the_clean_store_stays_clean():
    clean = _store()

    store = clean.replace(torch.tensor([2]), _values([[1]]))

    assert not set(TEXTS[2]) & set(store.tokens.ids.tolist())
    assert store.tokens.ids.untyped_storage().nbytes() == 4 * len(store.tokens.ids)
    assert _texts(clean, [0, 1, 2, 3]) == TEXTS


def test_rows_beyond_the_last_are_added():
    store = _store().replace(torch.tensor([5, 1, 4]), _values([[1], [2, 3], [4]], **_noise(7, 8, 9)))

    assert len(store) == 6
    assert _texts(store, list(range(6))) == [TEXTS[0], [2, 3], TEXTS[2], TEXTS[3], [4], [1]]
    assert store.noise_seed.tolist() == [-1, 8, -1, -1, 9, 7]


def test_noise_is_that_of_the_rows_own_seed_over_its_own_tokens():
    store = _store().replace(torch.tensor([1, 2]), _values([[1, 2], [3]], **_noise(41, 42, std=0.25)))

    inputs = store.take(torch.tensor([0, 2, 1]))
    noise = inputs[EMBEDDING_NOISE]

    assert noise.shape == (3, 3, 4)
    assert noise.dtype == torch.float32
    assert not noise[0].any()
    assert torch.equal(noise[1], torch.cat([noise_of(42, 1, 4, 0.25), torch.zeros(2, 4)]))
    assert torch.equal(noise[2], torch.cat([noise_of(41, 2, 4, 0.25), torch.zeros(1, 4)]))
    assert EMBEDDING_NOISE not in store.take(torch.tensor([0, 3]))


def test_replacing_a_noised_row_by_a_plain_text_takes_the_noise_away():
    store = _store().replace(torch.tensor([1, 2]), _values([[1], [3]], **_noise(41, 42)))

    again = store.replace(torch.tensor([2]), _values([[3]]))

    assert again.noise_seed.tolist() == [-1, 41, -1, -1]
    assert again.noise_std.tolist() == [0, 0.5, 0, 0]
    assert EMBEDDING_NOISE not in again.take(torch.tensor([2]))
    assert EMBEDDING_NOISE in again.take(torch.tensor([1]))


def _set(texts, rows=(), values=None):
    store = TextStore.clean(Tokens.of(texts), PAD)
    if values is not None:
        store = store.replace(torch.tensor(rows), values)
    return SampleSet(store, torch.arange(len(texts)), torch.arange(len(texts)) % 2)


def test_equal_content_has_one_fingerprint_however_it_came_about():
    direct = _set([[1], [2, 3], [4]])
    replaced = _set([[1], [9, 9, 9], [4]], [1], _values([[2, 3]]))
    noised = [_set(TEXTS, rows, _values(texts, **_noise(*seeds))) for rows, texts, seeds in (
        ([0, 1], TEXTS[:2], (1, 2)), ([1, 0], TEXTS[1::-1], (2, 1))
    )]  # fmt: skip

    assert direct.fingerprint() == replaced.fingerprint()
    assert noised[0].fingerprint() == noised[1].fingerprint() != _set(TEXTS).fingerprint()
    moved = noised[0].to(torch.device("cpu"))
    assert moved.fingerprint() == noised[0].fingerprint()


def test_every_change_changes_the_fingerprint():
    plain = [5, 6, 7]
    values = {
        "nothing": _values([plain]),
        "a token": _values([[5, 6, 8]]),
        "a length": _values([[5, 6]]),
        "noise": _values([plain], **_noise(1)),
        "its seed": _values([plain], **_noise(2)),
        "its standard deviation": _values([plain], **_noise(1, std=0.51)),
        "its width": _values([plain], **_noise(1, width=5)),
    }

    assert len({_set(TEXTS, [0], value).fingerprint() for value in values.values()}) == len(values)
    assert _set(TEXTS, [0], values["nothing"]).fingerprint() == _set(TEXTS).fingerprint()


def test_the_boundary_between_two_texts_counts():
    assert _set([[1, 2], [3]]).fingerprint() != _set([[1], [2, 3]]).fingerprint()


def test_a_part_without_poisons_is_the_same_with_and_without_poisons_elsewhere():
    stays = torch.tensor([0, 3])
    poisoned = _set(TEXTS, [1, 2], _values([[1], [2, 3]], **_noise(1, 2)))

    assert poisoned.subset(stays).fingerprint() == _set(TEXTS).subset(stays).fingerprint()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"input_ids": torch.ones(1, 2)}, "values must be"),
        (_values([[1]]) | {"noise_seed": torch.tensor([1])}, "values must be"),
        (_values([[1]]) | {"token_type_ids": torch.zeros(1, 3)}, "values must be"),
        (_values([[]]), "at least one token each, text 0 has none"),
        ({"input_ids": torch.ones(1, 2), "attention_mask": torch.tensor([[0, 1]])}, "padding goes on the right"),
        ({"input_ids": torch.ones(1, 2), "attention_mask": torch.ones(1, 3)}, "must have one shape"),
        (_values([[1]], **_noise(-1)), "noise_seed must be at least 0, got -1"),
        (_values([[1]], **_noise(1, width=0)), "noise_width must be one positive number"),
    ],
)
def test_impossible_replacements_are_refused(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        _store().replace(torch.tensor([1]), values)


def test_rows_that_leave_a_gap_are_refused():
    with pytest.raises(ValueError, match=r"go on with 4 without a gap, got \[5\]"):
        _store().replace(torch.tensor([5]), _values([[1]]))


def test_two_widths_of_noise_are_refused():
    store = _store().replace(torch.tensor([1]), _values([[1]], **_noise(1, width=4)))

    with pytest.raises(ValueError, match=r"one positive number for all rows, got \[4, 5\]"):
        store.replace(torch.tensor([2]), _values([[1]], **_noise(1, width=5)))


def test_images_are_refused():
    with pytest.raises(TypeError, match="a TextStore takes tokens"):
        _store().replace(torch.tensor([1]), torch.zeros(1, 1, 2, 2))


def test_a_text_without_tokens_is_refused():
    with pytest.raises(ValueError, match="text 1 has none"):
        Tokens.of([[1], []])
