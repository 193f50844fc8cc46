"""Store care: what lies in a store, whether it is intact, what is still needed, and where an entry comes from."""

from benchmark.care.ancestry import lineage
from benchmark.care.collection import Collected, Plan, collect, plan_collection
from benchmark.care.family import Family, Upstream
from benchmark.care.integrity import damage_of
from benchmark.care.needs import Needs, chosen_scenarios, needs_of
from benchmark.care.shelf import Item, Shelf
from benchmark.care.words import words_of

__all__ = [
    "Collected",
    "Family",
    "Item",
    "Needs",
    "Plan",
    "Shelf",
    "Upstream",
    "chosen_scenarios",
    "collect",
    "damage_of",
    "lineage",
    "needs_of",
    "plan_collection",
    "words_of",
]
