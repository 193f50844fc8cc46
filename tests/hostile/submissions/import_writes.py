"""Writes into the board, the store and home of the bait when it is imported."""

import contextlib
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

BAIT = Path("@BAIT@")

for name in ("board", "store", "home"):
    with contextlib.suppress(OSError):
        (BAIT / name / "@TOKEN@").write_text("was here")


class Hostile(GD):
    """Fine-tuning; the harm is done when the file is imported."""

    card = MethodCard(
        name="import_writes", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none"
    )
