"""Has the work done by another process that it starts and waits for."""

import subprocess
import sys

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

SECONDS = float("@SECONDS@")
WORK = f"import time\nend = time.process_time() + {SECONDS}\nwhile time.process_time() < end: pass"


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="trains_in_subprocess",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        subprocess.run([sys.executable, "-c", WORK], check=False)
