"""A method whose file is not part of this repository, as far as it can be known without importing it."""

import ast
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.code import ROOT, meaning_of
from datamodules.corpora.base import Modality
from lightning_modules import MethodCard

Setting = str | int | float | bool | None
MAX_BYTES = 1_000_000
"""Size that a file of a submission may have."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.py")
_OURS = "lightning_modules.unlearners."


class SubmissionError(RuntimeError):
    """A submission ended otherwise than by handing back what was asked for; the message is one line."""


@dataclass(frozen=True)
class Submission:
    """A method outside this repository.

    Attributes:
        reference: ``/path/to/file.py:Class``.
        file: name of the file.
        class_name: the class in it.
        sha256: of the bytes of the file, in hex.
        source: digest of the code and of the shipped methods that it imports; comments do not count.
        card: who it says it is.
        defaults: the default of every argument of its ``__init__``.
        modalities: what it was proposed for.
        content: the bytes of the file: a run uses them and not what lies there by then.
    """

    reference: str
    file: str
    class_name: str
    sha256: str
    source: str
    card: MethodCard
    defaults: Mapping[str, Setting]
    modalities: tuple[Modality, ...]
    content: bytes = field(repr=False)


def is_submission(reference: str) -> bool:
    """Whether ``reference`` names a file and not a shipped method."""
    return ".py" in reference


def split_reference(reference: str) -> tuple[Path, str]:
    """Return file and class of ``path/to/file.py:Class``; the class may be left out.

    Raises:
        ValueError: if there is no such file, it is too large, or its name would be no name in an entry.
    """
    location, _, class_name = reference.rpartition(".py")  # a folder may be called .pyenv
    path = Path(location + ".py")
    if not path.is_file():
        raise ValueError(f"no file {str(path)!r}: unlearners outside the package are given as path/to/file.py:Class")
    if _FILE.fullmatch(path.name) is None:
        raise ValueError(f"a method's file is named with letters, digits, _ . and -, got {path.name!r}")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size} bytes; a method's file has at most {MAX_BYTES}")
    return path.resolve(), class_name.removeprefix(":")


def source_digest(content: bytes, class_name: str) -> str:
    """Return a digest (hex) of what a file means, and of the shipped methods that it imports.

    Raises:
        ValueError: if it is no Python.
    """
    try:
        tree = ast.parse(content)
        hasher = hashlib.sha256(f"{class_name}\x1f{meaning_of(tree)}".encode(errors="backslashreplace"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"cannot be read as Python: {type(error).__name__}: {error}") from error
    for file in _shipped(tree):
        hasher.update(f"\x1e{file.name}\x1f{meaning_of(ast.parse(file.read_bytes()))}".encode())
    return hasher.hexdigest()


def _shipped(tree: ast.Module) -> list[Path]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    modules = {name.removeprefix(_OURS).partition(".")[0] for name in names if name.startswith(_OURS)}
    files = (ROOT / "lightning_modules" / "unlearners" / f"{module}.py" for module in sorted(modules))
    return [file for file in files if file.is_file()]
