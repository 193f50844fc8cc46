"""Never ends being imported."""

import time

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

while "@BAIT@":
    time.sleep(1)


class Hostile(GD):
    """Fine-tuning; the harm is done when the file is imported."""

    card = MethodCard(
        name="import_never_ends", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none"
    )
