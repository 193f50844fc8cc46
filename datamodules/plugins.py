"""Plug-ins found by the file they lie in: no list to edit, and a file outside the tree works as well."""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class UnknownNameError(ValueError):
    """A name that is not among those that exist; the message suggests the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name.lower(), [known_name.lower() for known_name in names], n=1, cutoff=0.5)
        real = next((known_name for known_name in names if near and known_name.lower() == near[0]), None)
        hint = f"did you mean {real!r}? " if real else ""
        listed = ", ".join(names) if len(names) <= 30 else f"{len(names)} names"
        super().__init__(f"unknown {kind} {name!r}; {hint}known: {listed}")


class Registry(Generic[T]):
    """The classes of one kind that lie in a package, one per file.

    Args:
        package: dotted name of the package whose modules are searched.
        base: the (abstract) class T that plug-ins extend.
        key: gives a plug-in's name.
        kind: the word for it in messages.
    """

    def __init__(self, package: str, base: Any, *, key: Callable[[type[T]], str], kind: str) -> None:
        self.package = package
        self.base = base
        self.key = key
        self.kind = kind

    def all(self) -> dict[str, type[T]]:
        """Return every plug-in of the package by name, sorted."""
        found: dict[str, type[T]] = {}
        paths = importlib.import_module(self.package).__path__
        for info in pkgutil.iter_modules(paths):
            module = importlib.import_module(f"{self.package}.{info.name}")
            for plugin in self._defined_in(module):
                name = self.key(plugin)
                if name in found:
                    raise ValueError(
                        f"two {self.kind}s are called {name!r}: {found[name].__module__}, {plugin.__module__}"
                    )
                found[name] = plugin
        return dict(sorted(found.items()))

    def get(self, name: str) -> type[T]:
        """Return the plug-in called ``name``, or the one at ``path/to/file.py:Class``.

        Raises:
            UnknownNameError: if there is none of that name.
            ValueError: if the file does not exist or holds no such class.
        """
        if ".py" in name:
            return self.load_file(name)
        known = self.all()
        if name in known:
            return known[name]
        by_class = {plugin.__name__: plugin for plugin in known.values()}
        if name in by_class:
            return by_class[name]
        raise UnknownNameError(self.kind, name, known)

    def load_file(self, reference: str) -> type[T]:
        """Import ``path/to/file.py:Class`` (the class may be left out where the file has only one)."""
        location, _, class_name = reference.rpartition(".py")  # a folder may be called .pyenv
        path = Path(location + ".py")
        class_name = class_name.removeprefix(":")
        if not path.is_file():
            raise ValueError(
                f"no file {str(path)!r}: {self.kind}s outside the package are given as path/to/file.py:Class"
            )
        module = _import_file(path.resolve())
        plugins = {plugin.__name__: plugin for plugin in self._defined_in(module)}
        if not plugins:
            raise ValueError(
                f"{path} defines no {self.base.__name__}: extend {self.base.__module__}.{self.base.__name__}"
            )
        if not class_name and len(plugins) == 1:
            return next(iter(plugins.values()))
        if class_name not in plugins:
            raise UnknownNameError(f"{self.kind} class in {path}", class_name, plugins)
        return plugins[class_name]

    def _defined_in(self, module: ModuleType) -> list[type[T]]:
        found: list[type[T]] = []
        for member in vars(module).values():
            if not inspect.isclass(member) or member.__module__ != module.__name__ or member.__name__.startswith("_"):
                continue
            if issubclass(member, self.base) and member is not self.base and not inspect.isabstract(member):
                found.append(cast("type[T]", member))
        return found


def _import_file(path: Path) -> ModuleType:
    name = f"unpoison_plugin_{path.stem}_{hashlib.sha256(path.read_bytes() + str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} cannot be imported: {type(error).__name__}: {reason}") from error
    return module
