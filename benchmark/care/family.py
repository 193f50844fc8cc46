"""What an artifact was made from, and what was made from it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.care.shelf import Item, Shelf
from benchmark.pipeline import MODELS
from datamodules import derive_seed

SETS = ("poisoned", "retain")
"""Sets of a crafted poison that networks are trained on; its ``meta`` has their fingerprints."""

CLEAN = "clean "
"""What the data of a training on the clean split starts with; the corpus's fingerprint follows."""


@dataclass(frozen=True)
class Upstream:
    """Something that an artifact was made from.

    Attributes:
        role: what it was to the artifact.
        address: its address; the fingerprint of the data where no crafted poison with such data is in the store.
        item: the artifact, or None where it is missing.
    """

    role: str
    address: str
    item: Item | None


class Family:
    """Relations between the artifacts of a store.

    Args:
        shelf: the artifacts.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def upstream(self, item: Item) -> list[Upstream]:
        """Return what an artifact was made from, directly."""
        told = item.description
        found = [
            Upstream(role, told[role], self.shelf.get(told[role]))
            for role in ("model", "poisoned", "moved", "crafted")
            if isinstance(told.get(role), str)
        ]
        found += [Upstream("surrogate", address, self.shelf.get(address)) for address in _surrogates(item)]
        return found + list(self._data(told.get("data")))

    def ancestors(self, items: Iterable[Item]) -> dict[str, Item]:
        """Return ``items`` and everything that they were made from, by address."""
        found: dict[str, Item] = {}
        waiting = list(items)
        while waiting:
            item = waiting.pop()
            if item.address not in found:
                found[item.address] = item
                waiting += [parent.item for parent in self.upstream(item) if parent.item is not None]
        return found

    def missing(self, item: Item) -> set[str]:
        """Return addresses (and fingerprints of data) that an artifact goes back to and that the store lacks."""
        known = self.ancestors([item]).values()
        return {parent.address for one in known for parent in self.upstream(one) if parent.item is None}

    def crafts(self, fingerprint: object) -> list[tuple[Item, str]]:
        """Return the crafted poisons that have a training set of this fingerprint, and which of their sets it is."""
        return self._by_set.get(fingerprint, []) if isinstance(fingerprint, str) else []

    def model_name(self, trained: Item) -> tuple[str, Item] | None:
        """Return what a trained network is (see ``MODELS``), and to which crafted poison; None where that is lost."""
        seed = part(trained.description, "config", "seed")
        for crafted, kind in self.crafts(trained.description.get("data")):
            for name, (train_on, stream) in MODELS.items():
                if train_on == kind and seed == derive_seed(stream, _seed(crafted)):
                    return name, crafted
        for crafted in self._crafted:
            if trained.address in _surrogates(crafted):
                return "surrogate", crafted
        return None

    def judges(self, items: Iterable[Item], crafted: Item) -> dict[str, list[Item]]:
        """Return the networks that results are judged by, by their names in ``MODELS``.

        Args:
            items: artifacts of one result.
            crafted: the crafted poison it is about.
        """
        found: dict[str, list[Item]] = {}
        sets = {kind: crafted.meta.get(kind) for kind in SETS}
        trained = [item for item in self.ancestors(items).values() if item.stage == "train" and item.fault is None]
        seed = _seed(crafted)
        for model in (item for item in trained if item.description.get("data") in sets.values()):
            for name, (train_on, stream) in MODELS.items():
                like = _but(model.description, sets[train_on], derive_seed(stream, seed))
                same = [item for item in self._trained.get(str(sets[train_on]), ()) if item.description == like]
                found[name] = found.get(name, []) + [item for item in same if item not in found.get(name, [])]
        return found

    def scores(self, model: Item, crafted: Item) -> list[Item]:
        """Return the measurements of a network that read the secrets of a crafted poison."""
        return [
            item for item in self._scored.get(model.address, ()) if item.description.get("crafted") == crafted.address
        ]

    def _data(self, data: object) -> Iterator[Upstream]:
        if isinstance(data, list) and len(data) == 2:
            crafts = [item for item in self._crafted if [item.meta.get("forget"), item.meta.get("retain")] == data]
        elif isinstance(data, str) and not data.startswith(CLEAN):
            crafts = [item for item, _ in self.crafts(data)]
        else:
            return
        if not crafts:
            yield Upstream("data", str(data[0] if isinstance(data, list) else data), None)
        for crafted in crafts:
            yield Upstream("data", crafted.address, crafted)

    @cached_property
    def _crafted(self) -> list[Item]:
        return [item for item in self.shelf.items if item.stage == "craft" and item.fault is None]

    @cached_property
    def _by_set(self) -> Mapping[str, list[tuple[Item, str]]]:
        found: dict[str, list[tuple[Item, str]]] = defaultdict(list)
        for item in self._crafted:
            for kind in SETS:
                found[str(item.meta.get(kind))].append((item, kind))
        return found

    @cached_property
    def _trained(self) -> Mapping[str, list[Item]]:
        return _grouped(self.shelf.items, "train", "data")

    @cached_property
    def _scored(self) -> Mapping[str, list[Item]]:
        return _grouped(self.shelf.items, "score", "model")


def part(value: Any, *path: str) -> Any:
    """Return a part of nested mappings, or ``-1`` where there is none."""
    for name in path:
        value = value.get(name, -1) if isinstance(value, Mapping) else -1
    return value


def _surrogates(crafted: Item) -> list[str]:
    told = crafted.description.get("surrogates")
    return [str(address) for address in told] if isinstance(told, list) else []


def _but(description: Mapping[str, Any], data: object, seed: int) -> dict[str, Any]:
    config = description.get("config")
    return dict(description) | {"data": data, "config": (config if isinstance(config, dict) else {}) | {"seed": seed}}


def _seed(crafted: Item) -> int:
    seed = part(crafted.description, "config", "seed")
    return seed if isinstance(seed, int) else -1


def _grouped(items: Iterable[Item], stage: str, key: str) -> Mapping[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.stage == stage:
            found[str(item.description.get(key))].append(item)
    return found
