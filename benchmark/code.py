"""Digests of the code that stages run: other code is another artifact, without anybody having to remember it."""

import ast
import hashlib
import inspect
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGIN_FOLDERS = ("corpora", "poisons", "unlearners", "effects", "tensorboard")
"""One file more in these changes nothing for the others; what was chosen from them is digested on its own."""

ROOMS = {
    "craft": ("datamodules", "lightning_modules"),
    "train": ("datamodules", "lightning_modules", "callbacks"),
    "unlearn": ("datamodules", "lightning_modules", "callbacks"),
    "sham": (),
    "score": ("datamodules", "lightning_modules", "callbacks"),
}
"""The rooms whose code each stage runs, next to its own file."""

LIBRARIES = ("torch", "lightning", "timm")
"""Libraries whose major and minor version count: they draw first weights, shuffle and compute."""


@cache
def stage_code(stage: str) -> str:
    """Return a digest (hex) of the code of a stage: its own files and the rooms it uses; comments do not count."""
    files = [ROOT / "benchmark" / "stages" / f"{stage}.py", ROOT / "benchmark" / "stages" / "trainers.py"]
    for room in ROOMS[stage]:
        files += [path for path in (ROOT / room).rglob("*.py") if path.parent.name not in PLUGIN_FOLDERS]
    versions = [".".join(version(library).split(".")[:2]) for library in LIBRARIES]
    return _digest(sorted(files), versions)


@cache
def package_code(name: str) -> str:
    """Return a digest (hex) of the code of a package of the benchmark; comments do not count."""
    return _digest(sorted((ROOT / "benchmark" / name).rglob("*.py")), ())


def plugin_code(plugin: type) -> str:
    """Return a digest (hex) of the files that define a plug-in and the classes it extends."""
    files = [Path(inspect.getfile(parent)) for parent in plugin.__mro__ if parent.__module__ != "builtins"]
    ours = {file for file in files if file.is_relative_to(ROOT) or file == Path(inspect.getfile(plugin))}
    outside = {file for file in files if "site-packages" not in file.parts and _is_sibling(file, plugin)}
    return _digest(sorted(ours | outside), [plugin.__qualname__])


def _is_sibling(file: Path, plugin: type) -> bool:
    return file.parent == Path(inspect.getfile(plugin)).parent


def _digest(files: Iterable[Path], words: Iterable[str]) -> str:
    hasher = hashlib.sha256("\x1f".join(words).encode())
    for file in files:
        hasher.update(f"\x1e{file.name}\x1f{_meaning(file)}".encode())
    return hasher.hexdigest()


@cache
def _meaning(file: Path) -> str:
    return meaning_of(ast.parse(file.read_text(encoding="utf-8")))


def meaning_of(tree: ast.Module) -> str:
    """Return the code of a module as text, without comments and docstrings; ``tree`` loses its docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
