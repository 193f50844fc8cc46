"""Has the name of a method of this repository, so that its entry would take its place."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(name="scrub", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none")
