"""Has 10 MB of text on its card."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(name="card_is_huge", title="Hostile", paper="x" * 10_000_000, formula="none", source="none")
