"""Has objects where its card should have text, which run when they are looked at."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Text(str):
    """Says that it equals whatever it is compared with."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(
        name=Text("card_is_no_text"), title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none"
    )
