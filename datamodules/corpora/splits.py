"""Which rows of a corpus's own train and test files become train, selection and test."""

from typing import Literal, NamedTuple


class Cut(NamedTuple):
    """Rows of the three splits.

    Attributes:
        train: Rows of the training file.
        selection: Rows of the file that `selection_file` names.
        test: Rows of the test file.
        selection_file: Where the selection split was cut from.
    """

    train: range
    selection: range
    test: range
    selection_file: Literal["train", "test"]


def check_size(argument: str, value: int, low: int, high: int, why: str = "") -> int:
    """Return `value` if it is a whole number in ``low..high``.

    Raises:
        ValueError: If it is not, naming the argument, the value and the range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{argument}={value!r}: expected a whole number from {low} to {high}{why}")
    return value


def cut_rows(num_train: int, num_test: int, train_size: int | None, selection_size: int) -> Cut:
    """Cut the splits of a corpus that comes as a training file and a test file.

    Train is the first `train_size` rows of the training file (all of them for None). Selection is the
    `selection_size` rows that follow, if the training file still has as many; otherwise it is the last
    `selection_size` rows of the test file, and test is what remains of that. No row is in two splits.

    Args:
        num_train: Rows of the training file.
        num_test: Rows of the test file.
        train_size: Rows wanted for training, 1..num_train, or None for all.
        selection_size: Rows wanted for selection, at least 1; at most what the training file has left, or all
            but one of the test file, whichever is more.

    Raises:
        ValueError: If a size is out of range.
    """
    taken = num_train if train_size is None else check_size("train_size", train_size, 1, num_train)
    most = max(num_train - taken, num_test - 1)
    check_size("selection_size", selection_size, 1, most, f" with train_size={taken}")
    if selection_size <= num_train - taken:
        return Cut(range(taken), range(taken, taken + selection_size), range(num_test), "train")
    left = num_test - selection_size
    return Cut(range(taken), range(left, num_test), range(left), "test")
