"""Tables as Parquet, through pypa."""

import io

from leaderboard.export.table import Table


class MissingLibraryError(RuntimeError):
    """A library that a format needs is not installed. The message is one line that says how to get it."""


def to_parquet(table: Table) -> bytes:
    """Return the bytes of a Parquet file with a string, double, int64 or boolean column for each kind.

    Raises:
        MissingLibraryError: if pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an optional library
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("format 'parquet' needs pyarrow: python -m pip install -e '.[export]'") from error
    types = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in table.columns])
    names = [name for name, _ in table.columns]
    content = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in table.rows], schema=schema)
    file = io.BytesIO()
    parquet.write_table(content, file)
    return file.getvalue()
