"""From an entry, or an artifact, back to everything that made it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmark.address import canonical
from benchmark.care.family import CLEAN, Family, part
from benchmark.care.integrity import damage_of
from benchmark.care.shelf import Item, Shelf
from benchmark.care.words import words_of
from benchmark.code import ROOMS, plugin_code, stage_code
from benchmark.pipeline import MODELS, percent
from callbacks import EFFECTS
from datamodules import POISONS
from leaderboard import Entry, read_entry
from lightning_modules import UNLEARNERS

SHOWN = 12
"""Digits of an address."""
SHORTEST = 6


def lineage(origin: str, shelf: Shelf) -> Iterator[str]:
    """Yield the lines of a tree: below each artifact its configuration, code and seeds, and what it was made from.

    Args:
        origin: file of an entry, or the first digits of an address.
        shelf: the store.

    Raises:
        EntryError: if the file is no valid entry.
        ValueError: if there is neither such a file nor one such artifact.
    """
    tree = _Tree(shelf)
    if Path(origin).is_file():
        return tree.entry(read_entry(origin))
    return tree.below("", _one(origin, shelf), 0)


class _Tree:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._family = Family(shelf)
        self._shown: set[str] = set()

    def entry(self, entry: Entry) -> Iterator[str]:
        source = entry.provenance
        yield f"{entry.scenario} / {entry.method.name}: {entry.status}, commit {source.commit}, {source.device}"
        yield f"  scenario: {canonical(entry.configuration)}"
        yield f"  hyperparameters: {canonical(entry.hyperparameters)}"
        for name, fingerprint in sorted(source.fingerprints.items()):
            yield f"  {name}: {fingerprint}"
        for result in entry.results:
            for seed in result.seeds:
                yield f"  budget {percent(result.budget)}, seed {seed.seed}"
                crafted = self._shelf.get(seed.addresses.get("craft", ""))
                for stage in sorted(seed.addresses, key=lambda stage: stage != "score"):
                    yield from self.node(stage, seed.addresses[stage], 2, crafted)
                if crafted is not None:
                    yield from self._judges(crafted, list(seed.addresses.values()))

    def below(self, role: str, item: Item, depth: int, crafted: Item | None = None) -> Iterator[str]:
        """Yield an artifact and what it was made from; what was shown before is not shown again.

        ``crafted`` decides where several crafted poisons have the very data that a network was trained on.
        """
        margin = "  " * depth
        title = f"{margin}{role}{': ' if role else ''}{item.stage} {item.address[:SHOWN]}"
        if item.address in self._shown:
            yield f"{title} (above)"
            return
        self._shown.add(item.address)
        damage = damage_of(item)
        yield f"{title} {'intact' if damage is None else f'DAMAGED ({damage})'}: {words_of(item, self._family)}"
        if item.fault is not None:
            return
        for line in _facts(item):
            yield f"{margin}  | {line}"
        for parent in self._family.upstream(item):
            if parent.role == "data" and crafted is not None and parent.item is not None and parent.item != crafted:
                continue
            yield from self.node(parent.role, parent.address, depth + 1, crafted)

    def node(self, role: str, address: str, depth: int, crafted: Item | None) -> Iterator[str]:
        item = self._shelf.get(address)
        if item is None:
            yield f"{'  ' * depth}{role}: {address[:SHOWN]} MISSING"
        else:
            yield from self.below(role, item, depth, crafted)

    def _judges(self, crafted: Item, addresses: list[str]) -> Iterator[str]:
        items = [item for item in map(self._shelf.get, addresses) if item is not None]
        judges = self._family.judges(items, crafted)
        for name in MODELS:
            scores = [item for model in judges.get(name, ()) for item in self._family.scores(model, crafted)]
            for item in scores:
                yield from self.below(f"judged by {name.replace('_', ' ')}", item, 2, crafted)
            if not scores:
                yield f"    judged by {name.replace('_', ' ')}: MISSING"


def _one(prefix: str, shelf: Shelf) -> Item:
    found = [item for item in shelf.items if item.address.startswith(prefix)] if len(prefix) >= SHORTEST else []
    if len(found) != 1:
        raise ValueError(
            f"ENTRY must be the file of an entry, or {SHORTEST} or more first digits of one artifact's address, "
            f"got {prefix!r}{f': {len(found)} artifacts begin so' if found else ''}"
        )
    return found[0]


def _facts(item: Item) -> Iterator[str]:
    told = item.description
    yield f"config {canonical(told.get('config'))}"
    code = str(told.get("code"))
    yield f"code {code[:SHOWN]} ({_same(item.stage in ROOMS and code == stage_code(item.stage))})"
    plugin = part(told, "config", "method", "source") if item.stage == "unlearn" else told.get("source")
    if isinstance(plugin, str):
        yield f"plug-in {plugin[:SHOWN]} ({_same(plugin in _plugins())})"
    for key in ("corpus", "device"):
        if key in told:
            yield f"{key} {told[key]}"
    data = told.get("data")
    if isinstance(data, str) and data.startswith(CLEAN):
        yield f"data: the clean training split of corpus {data.removeprefix(CLEAN)}"


def _same(same: bool) -> str:
    return "as here" if same else "other than here"


@cache
def _plugins() -> frozenset[str]:
    registries = (POISONS, UNLEARNERS, EFFECTS)
    return frozenset(plugin_code(plugin) for registry in registries for plugin in registry.all().values())
