"""Unlearners that installed packages offer: found in their metadata, never imported here."""

import contextlib
import importlib.util
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path, PurePosixPath

from datamodules import UnknownNameError
from lightning_modules import UNLEARNERS

GROUP = "unpoison.unlearners"
"""Entry points of this group name a class: ``my_method = my_package.my_module:MyMethod``."""


@dataclass(frozen=True)
class Offer:
    """An unlearner of an installed package. Its module must work as a file of its own.

    Attributes:
        name: of the entry point.
        package: name and version of the distribution.
        target: ``module:Class``.
        file: where the module lies, or None if that cannot be told without importing it.
    """

    name: str
    package: str
    target: str
    file: Path | None

    @property
    def reference(self) -> str:
        """The offer as ``/path/to/file.py:Class``.

        Raises:
            ValueError: if there is no such file, or no class is named.
        """
        module, _, class_name = self.target.partition(":")
        if not class_name.isidentifier():
            raise ValueError(f"{self.package} offers {self.name!r} as {self.target!r}, which is not module:Class")
        if self.file is None:
            raise ValueError(f"{self.package} offers {self.name!r}, and no file of module {module!r} is found")
        return f"{self.file}:{class_name}"


def offers() -> list[Offer]:
    """Return what installed packages offer, by name and package."""
    found = [_offer(point) for point in entry_points(group=GROUP)]
    return sorted(found, key=lambda offer: (offer.name, offer.package))


def resolve(name: str) -> str:
    """Return ``path/to/file.py:Class`` for a name that only an installed package offers, any other word as it is.

    Raises:
        ValueError: if two packages offer it, or its file is not found.
    """
    if ".py" in name:
        return name
    with contextlib.suppress(UnknownNameError):
        UNLEARNERS.get(name)
        return name
    offer = offered(name)
    return name if offer is None else offer.reference


def offered(name: str) -> Offer | None:
    """Return the offer of that name, or None.

    Raises:
        ValueError: if two packages offer one.
    """
    found = [offer for offer in offers() if offer.name == name]
    if len(found) > 1:
        owners = " and ".join(offer.package for offer in found)
        raise ValueError(f"unlearner {name!r} is offered by {owners}; name one as path/to/file.py:Class")
    return found[0] if found else None


def _offer(point: EntryPoint) -> Offer:
    distribution = point.dist
    package = "a package" if distribution is None else f"{distribution.name} {distribution.version}"
    return Offer(point.name, package, point.value, _file(point.module, distribution))


def _file(module: str, distribution: Distribution | None) -> Path | None:
    """Return the file of a module: among those of its distribution, else (editable) where its package lies."""
    parts = PurePosixPath(*module.split("."))
    names = {str(parts.with_suffix(".py")), str(parts / "__init__.py")}
    for file in (distribution.files if distribution is not None else None) or ():
        located = Path(str(file.locate()))
        if str(file) in names and located.is_file():
            return located.resolve()
    return _beside_its_package(module)


def _beside_its_package(module: str) -> Path | None:
    top, _, rest = module.partition(".")
    try:
        spec = importlib.util.find_spec(top)  # of a top-level name: nothing is imported
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        found = [Path(spec.origin)] if spec.origin else []
    else:
        places = [Path(place, *rest.split(".")) for place in spec.submodule_search_locations or ()]
        found = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return next((file.resolve() for file in found if file.suffix == ".py" and file.is_file()), None)
