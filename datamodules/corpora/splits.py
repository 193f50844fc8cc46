"""Which rows of a corpus become train, selection and test."""

import hashlib
from collections import Counter
from collections.abc import Sequence
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


class Places(NamedTuple):
    """Which places of a corpus's fixed order the three splits take."""

    train: range
    selection: range
    test: range


def cut_order(total: int, *, test_size: int | None, train_size: int | None, selection_size: int) -> Places:
    """Cut the splits of a corpus that comes as one file, or train and selection out of a training file.

    Test is the first `test_size` places of a fixed order, train the next `train_size` (all that are left for None) and
    selection the last `selection_size`, so that no split depends on the size of another but on that of test.

    Args:
        total: How many samples there are.
        test_size: 1..(total - 2), or None where test comes as a file of its own.
        train_size: At least 1, or None.
        selection_size: At least 1.

    Raises:
        ValueError: If a size is out of range.
    """
    begin = 0 if test_size is None else check_size("test_size", test_size, 1, total - 2)
    pool = total - begin
    most = pool - check_size("selection_size", selection_size, 1, pool - 1)
    taken = most if train_size is None else train_size
    check_size("train_size", taken, 1, most, f" with selection_size={selection_size}")
    return Places(range(begin, begin + taken), range(total - selection_size, total), range(begin))


def stratified_order(labels: Sequence[int], seed: int) -> list[int]:
    """All rows in a fixed order, of which every stretch holds the classes in proportion.

    Within a class rows are ordered by a hash of the seed and the row number, which no library version
    changes; the k-th of a class's n rows then stands at (k + 1/2) / n of the way.
    """
    hashed = sorted((hashlib.sha256(f"{seed}:{row}".encode()).hexdigest(), row) for row in range(len(labels)))
    size, seen = Counter(labels), Counter[int]()
    placed = []
    for rank, row in hashed:
        label = labels[row]
        placed.append(((seen[label] + 0.5) / size[label], rank, row))
        seen[label] += 1
    return [row for _, _, row in sorted(placed)]
