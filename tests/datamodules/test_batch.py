"""Batches of either modality."""

import pytest
import torch

from datamodules import Batch, UnlearnBatch, batch_size, joined, map_inputs


def _images(rows):
    return Batch(torch.arange(2.0 * len(rows)).view(-1, 2) + rows[0], torch.tensor(rows) % 3, torch.tensor(rows))


def _texts(rows):
    inputs = {
        "input_ids": torch.tensor([[row, row + 1] for row in rows]),
        "attention_mask": torch.tensor([[1, row % 2] for row in rows]),
    }
    return Batch(inputs, torch.tensor(rows) % 3, torch.tensor(rows))


def test_joined_puts_forget_samples_first():
    whole = joined(UnlearnBatch(_images([7, 3]), _images([5]), "paired"))

    assert whole.inputs.tolist() == [[7, 8], [9, 10], [5, 6]]
    assert whole.target.tolist() == [1, 0, 2]
    assert whole.index.tolist() == [7, 3, 5]


def test_joined_joins_every_tensor_of_a_text():
    whole = joined(UnlearnBatch(_texts([4]), _texts([1, 2]), "mixed"))

    assert set(whole.inputs) == {"input_ids", "attention_mask"}
    assert whole.inputs["input_ids"].tolist() == [[4, 5], [1, 2], [2, 3]]
    assert whole.inputs["attention_mask"].tolist() == [[1, 0], [1, 1], [1, 0]]
    assert whole.index.tolist() == [4, 1, 2]


def _noised(rows, length, width=2):
    batch = _texts(rows)
    ids = torch.tensor(rows).view(-1, 1).expand(-1, length)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return batch._replace(inputs=inputs | {"embedding_noise": torch.full((len(rows), length, width), 0.5)})


def test_joined_pads_shorter_texts_on_the_right():
    whole = joined(UnlearnBatch(_noised([4], 3), _noised([1, 2], 1), "paired"))

    assert whole.inputs["input_ids"].tolist() == [[4, 4, 4], [1, 0, 0], [2, 0, 0]]
    assert whole.inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert whole.inputs["attention_mask"].dtype == torch.int64
    assert whole.inputs["embedding_noise"][:, :, 1].tolist() == [[0.5] * 3, [0.5, 0, 0], [0.5, 0, 0]]
    assert whole.inputs["embedding_noise"].shape == (3, 3, 2)


@pytest.mark.parametrize("noised_first", [True, False])
def test_joined_gives_no_noise_to_a_side_without(noised_first):
    noised, plain = _noised([4], 3), _texts([1, 2])
    sides = (noised, plain) if noised_first else (plain, noised)

    noise = joined(UnlearnBatch(*sides, "paired")).inputs["embedding_noise"]

    of_noised, of_plain = (noise[:1], noise[1:]) if noised_first else (noise[2:], noise[:2])
    assert of_noised.shape == (1, 3, 2)
    assert (of_noised == 0.5).all()
    assert of_plain.shape == (2, 3, 2)
    assert not of_plain.any()
    assert "embedding_noise" not in plain.inputs


def test_joined_returns_a_lone_side_as_it_is():
    side = _images([1, 2])

    assert joined(UnlearnBatch(side, None, "forget")) is side
    assert joined(UnlearnBatch(None, side, "retain")) is side


def test_joined_refuses_a_batch_without_a_side():
    with pytest.raises(ValueError, match="neither"):
        joined(UnlearnBatch(None, None, "mixed"))


def test_map_inputs_reaches_every_tensor_and_edits_none():
    images, texts = _images([0, 1]).inputs, _texts([0, 1]).inputs

    assert map_inputs(images, lambda tensor: tensor + 1).tolist() == [[1, 2], [3, 4]]
    mapped = map_inputs(texts, lambda tensor: tensor[:1])
    assert {key: value.tolist() for key, value in mapped.items()} == {"input_ids": [[0, 1]], "attention_mask": [[1, 0]]}
    assert images.tolist() == [[0, 1], [2, 3]]
    assert len(texts["input_ids"]) == 2


def test_batch_size_counts_samples_of_either_modality():
    assert batch_size(_images([1, 2, 3]).inputs) == 3
    assert batch_size(_texts([1, 2, 3]).inputs) == 3
