from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.splits import check_size, cut_order, cut_rows, stratified_order


def test_selection_follows_train_where_the_training_file_has_enough_left() -> None:
    assert cut_rows(50, 10, 30, 20) == (range(30), range(30, 50), range(10), "train")


def test_selection_is_the_end_of_the_test_file_when_train_takes_everything() -> None:
    assert cut_rows(50, 10, None, 4) == (range(50), range(6, 10), range(6), "test")


def test_selection_is_the_end_of_the_test_file_when_train_leaves_too_few() -> None:
    assert cut_rows(50, 10, 47, 4) == (range(47), range(6, 10), range(6), "test")


@given(st.data())
def test_the_splits_never_overlap_and_have_the_sizes_asked_for(data: st.DataObject) -> None:
    num_train, num_test = data.draw(st.integers(2, 60)), data.draw(st.integers(2, 40))
    train_size = data.draw(st.none() | st.integers(1, num_train))
    taken = num_train if train_size is None else train_size
    selection_size = data.draw(st.integers(1, max(num_train - taken, num_test - 1)))

    cut = cut_rows(num_train, num_test, train_size, selection_size)

    train, test = {("train", row) for row in cut.train}, {("test", row) for row in cut.test}
    selection = {(cut.selection_file, row) for row in cut.selection}
    assert not train & selection
    assert not test & selection
    assert (len(train), len(selection)) == (taken, selection_size)
    assert test
    assert max(cut.train) < num_train
    assert max(cut.selection) < (num_train if cut.selection_file == "train" else num_test)


@pytest.mark.parametrize(
    ("train_size", "selection_size", "message"),
    [
        (51, 1, "train_size=51: expected a whole number from 1 to 50"),
        (0, 1, "train_size=0: expected a whole number from 1 to 50"),
        (None, 10, "selection_size=10: expected a whole number from 1 to 9 with train_size=50"),
        (20, 31, "selection_size=31: expected a whole number from 1 to 30 with train_size=20"),
    ],
)
def test_sizes_out_of_range_are_refused(train_size: int | None, selection_size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cut_rows(50, 10, train_size, selection_size)


def test_a_size_in_range_passes() -> None:
    assert check_size("size", 3, 1, 3) == 3


def test_an_order_is_cut_into_test_train_and_selection() -> None:
    cut = cut_order(50, test_size=10, train_size=20, selection_size=5)
    assert cut == (range(10, 30), range(45, 50), range(10))
    assert cut_order(50, test_size=10, train_size=None, selection_size=5).train == range(10, 45)


def test_an_order_is_cut_into_train_and_selection_where_test_is_apart() -> None:
    assert cut_order(50, test_size=None, train_size=None, selection_size=5) == (range(45), range(45, 50), range(0))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 1, 1), "test_size=0: expected a whole number from 1 to 48"),
        ((49, 1, 1), "test_size=49: expected a whole number from 1 to 48"),
        ((10, 1, 40), "selection_size=40: expected a whole number from 1 to 39"),
        ((10, 36, 5), "train_size=36: expected a whole number from 1 to 35 with selection_size=5"),
        ((None, 46, 5), "train_size=46: expected a whole number from 1 to 45 with selection_size=5"),
    ],
)
def test_sizes_that_an_order_does_not_hold_are_refused(sizes, message: str) -> None:
    test_size, train_size, selection_size = sizes
    with pytest.raises(ValueError, match=message):
        cut_order(50, test_size=test_size, train_size=train_size, selection_size=selection_size)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=80), st.integers(0, 3))
def test_every_stretch_of_a_stratified_order_holds_the_classes_in_proportion(labels: list[int], seed: int) -> None:
    order = stratified_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    for stop in range(1, len(labels) + 1):
        count = Counter(labels[row] for row in order[:stop])
        for label, total in Counter(labels).items():
            assert abs(count[label] - stop * total / len(labels)) < 2


def test_a_stratified_order_depends_on_its_seed() -> None:
    labels = [0, 1] * 20
    assert stratified_order(labels, 0) == stratified_order(labels, 0) != stratified_order(labels, 1)
