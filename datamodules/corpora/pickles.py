"""Read pickled arrays without executing what a pickle asks for."""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

_rebuild_array: Callable[..., Any] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes, in the only way in which Python 3 writes them into a pickle of protocol 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"refused, the pickle asks for the encoding {encoding!r}")
    return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    """Knows arrays, their dtypes, and bytes of either Python; containers, numbers and strings need no name."""

    allowed: ClassVar[Mapping[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _rebuild_array,
        ("numpy._core.multiarray", "_reconstruct"): _rebuild_array,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _latin1,
    }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return self.allowed[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused, the pickle asks for {module_name}.{global_name}") from None


def unpickle_arrays(data: bytes) -> Any:
    """Unpickle containers, numbers, strings and numpy arrays; a Python 2 ``str`` comes back as bytes.

    Raises:
        pickle.UnpicklingError: If the pickle names anything else, before any of that is imported or called.
    """
    return _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
