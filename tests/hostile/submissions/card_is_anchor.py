"""Has the name of an anchor."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(name="retrain", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none")
