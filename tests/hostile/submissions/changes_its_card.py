"""Has one card when it is described and another when it is run."""

import sys
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

NAMES = ("changes_its_card", "scrub")
RUNNING = any("exchange" in str(path) for path in (Path.cwd(), *map(Path, sys.argv)))


class Hostile(GD):
    """Fine-tuning under two names."""

    card = MethodCard(name=NAMES[RUNNING], title="Hostile", paper="none", formula="none", source="none")
