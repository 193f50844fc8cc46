"""Fine-tuning and nothing else, against which the others are compared."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(name="honest", title="Honest", paper="Nobody, Nowhere, 2026", formula="as GD", source="GD")
