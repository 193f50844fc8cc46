import codecs
import pickle
from pathlib import Path

import numpy as np
import pytest

from datamodules.corpora.pickles import unpickle_arrays


class _Evil:
    """Unpickling it calls what `call` says."""

    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("protocol", [2, 3])
def test_arrays_in_containers_are_read(protocol: int) -> None:
    batch = {"data": np.arange(12, dtype=np.uint8).reshape(3, 4), "labels": [1, 2, 3], "name": "first"}
    read = unpickle_arrays(pickle.dumps(batch, protocol=protocol))
    np.testing.assert_array_equal(read["data"], batch["data"])
    assert read["labels"] == [1, 2, 3]


def test_a_pickle_that_would_write_a_file_is_refused_and_writes_none(tmp_path: Path) -> None:
    written = tmp_path / "written"
    with pytest.raises(pickle.UnpicklingError, match=r"refused, the pickle asks for pathlib\.Path"):
        unpickle_arrays(pickle.dumps(_Evil(Path.touch, written)))
    assert not written.exists()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("call", [(eval, "1"), (exec, "1"), (getattr, np.ndarray, "sum"), (np.load, "x")])
def test_functions_are_refused_whatever_the_protocol(protocol: int, call: tuple[object, ...]) -> None:
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        unpickle_arrays(pickle.dumps({"data": _Evil(*call)}, protocol=protocol))


@pytest.mark.parametrize("encoding", ["utf-8", "idna", "zlib_codec"])
def test_bytes_are_encoded_in_one_way_only(encoding: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=f"refused, the pickle asks for the encoding '{encoding}'"):
        unpickle_arrays(pickle.dumps(_Evil(codecs.encode, "abc", encoding)))


def test_a_name_reached_through_an_allowed_one_is_refused() -> None:
    dotted = b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.load\x93."  # STACK_GLOBAL splits at dots
    with pytest.raises(pickle.UnpicklingError, match=r"numpy\.ndarray\.load"):
        unpickle_arrays(dotted)
