"""What an artifact is, in the words of scenarios."""

from benchmark.care.family import CLEAN, Family, part
from benchmark.care.shelf import Item
from benchmark.pipeline import percent

HOUR = 3600


def words_of(item: Item, family: Family) -> str:
    """Return what an artifact is: method, budget, network, corpus, poison and seed, as far as the store can tell."""
    if item.fault is not None:
        return item.fault
    try:
        return _words(item, family)
    except (TypeError, ValueError):
        return "a description of another form"


def _words(item: Item, family: Family) -> str:
    match item.stage:
        case "craft":
            return _crafted(item)
        case "train":
            return _trained(item, family)
        case "unlearn":
            method, budget = (
                part(item.description, "config", "method", "name"),
                part(item.description, "config", "budget"),
            )
            return f"{method} {percent(budget)} from {_of('poisoned', item, family)}"
        case "sham":
            moved = family.shelf.get(str(item.description.get("moved")))
            budget = f" {percent(part(moved.description, 'config', 'budget'))}" if moved and not moved.fault else ""
            return f"sham{budget} from {_of('poisoned', item, family)}"
        case "tune" if "unlearning" in item.description:
            tried = part(item.description, "unlearning", "config")
            return f"trial of {part(tried, 'method', 'name')} {percent(part(tried, 'budget'))} from " + _of(
                "poisoned", item, family
            )
        case _:
            return _of("model", item, family)


def _crafted(item: Item) -> str:
    corpus, poison = part(item.description, "config", "corpus"), part(item.description, "config", "poison", "name")
    forget = part(item.description, "config", "forget")
    size = part(corpus, "train_size")
    asked = ""
    if part(forget, "identified") != 1.0 or part(forget, "false_positives") != 0.0:
        asked = f", {part(forget, 'identified'):.0%} identified, {part(forget, 'false_positives'):.0%} falsely"
    shown = f" ({size})" if isinstance(size, int) and size > 0 else ""
    return f"{part(corpus, 'name')}{shown} {poison}{asked}, seed {part(item.description, 'config', 'seed')}"


def _trained(item: Item, family: Family) -> str:
    network = part(item.description, "config", "network", "name")
    known = family.model_name(item)
    if known is not None:
        return f"{network} {known[0].replace('_', ' ')}, {_crafted(known[1])}"
    data = str(item.description.get("data"))
    return f"{network} on {CLEAN + data.removeprefix(CLEAN)[:8] if data.startswith(CLEAN) else f'data {data[:8]}'}"


def _of(role: str, item: Item, family: Family) -> str:
    address = str(item.description.get(role))
    found = family.shelf.get(address)
    return words_of(found, family) if found is not None else f"{address[:12]} (missing)"


def size_text(size: float) -> str:
    """Return bytes as text: 584448 is ``584.4 kB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def age_text(seconds: float) -> str:
    """Return a duration as text, in whole minutes, hours or days."""
    if seconds < HOUR:
        return f"{max(0, seconds) // 60:.0f} min"
    return f"{seconds // HOUR:.0f} h" if seconds < 48 * HOUR else f"{seconds // (24 * HOUR):.0f} d"
