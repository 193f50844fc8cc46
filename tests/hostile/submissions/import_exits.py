"""Ends the process that imports it, with the exit code of success."""

import os

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

os._exit(0)


class Hostile(GD):
    """Fine-tuning; the harm is done when the file is imported."""

    card = MethodCard(
        name="import_exits", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none"
    )
