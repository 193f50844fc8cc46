"""The papers of the methods shown, as BibTeX."""

import re
from collections.abc import Iterable

from leaderboard.entry import Entry, MethodCard
from leaderboard.export.tex import escape_tex
from leaderboard.row import family

BENCHMARK = """\
@inproceedings{pawelczyk2025machine,
  author = {Pawelczyk, Martin and Di, Jimmy Z. and Lu, Yiwei and Kamath, Gautam and Sekhari, Ayush and Neel, Seth},
  title = {Machine Unlearning Fails to Remove Data Poisoning Attacks},
  booktitle = {International Conference on Learning Representations},
  year = {2025},
  eprint = {2406.17216},
  archiveprefix = {arXiv},
}
"""
"""The paper that this benchmark follows."""

ABOUT = "For \\usepackage[T1]{fontenc}: the benchmark's paper, and those that the cards of the methods name.\n"

YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def render_bibtex(entries: Iterable[Entry]) -> str:
    """Return the benchmark's own paper, and an item for each unlearner, by name.

    A card names its paper in free text. That stands in ``note`` as it is; ``year`` is the last year in it before any
    semicolon. The variants of a method share its item unless their cards name another paper.
    """
    cards: dict[tuple[str, str], MethodCard] = {}
    for entry in sorted(entries, key=_by_name):
        if entry.method.kind == "unlearner":
            cards.setdefault((family(entry.method.name), entry.method.paper), entry.method)
    items: dict[str, MethodCard] = {}
    for (base, _), card in cards.items():
        items.setdefault(base if base not in items else card.name, card)
    return "\n".join([ABOUT, BENCHMARK, *(_item(key, card) for key, card in sorted(items.items()))])


def _by_name(entry: Entry) -> tuple[int, str, str]:
    return len(entry.method.name), entry.method.name, entry.scenario


def _item(key: str, card: MethodCard) -> str:
    years = YEAR.findall(card.paper.partition(";")[0])
    fields = {
        "key": escape_tex(key),
        "title": f"{{{escape_tex(card.title)}}}",
        "note": escape_tex(card.paper),
        **({"year": years[-1]} if years else {}),
    }
    return "\n".join([f"@misc{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}", ""])
