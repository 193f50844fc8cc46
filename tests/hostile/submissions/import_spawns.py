"""Leaves a process behind when it is imported."""

import subprocess
import sys

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)  # @TOKEN@-daemon"], start_new_session=True)


class Hostile(GD):
    """Fine-tuning; the harm is done when the file is imported."""

    card = MethodCard(
        name="import_spawns", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none"
    )
