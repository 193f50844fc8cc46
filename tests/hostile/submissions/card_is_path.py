"""Has a path for a name, so that its entry would lie elsewhere."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(name="../../evil", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none")
