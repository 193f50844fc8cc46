"""Glue: from artifacts to TensorBoard files."""

from collections.abc import Mapping
from pathlib import Path

from benchmark.pipeline import Cell, Method
from benchmark.store import Artifact


def write_pictures(
    name: str, methods: list[Method], cells: list[Cell], artifacts: Mapping[str, Artifact], folder: Path
) -> None:
    """Write TensorBoard files of every cell."""
