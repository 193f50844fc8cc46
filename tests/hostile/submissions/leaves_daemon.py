"""Leaves a process behind that wants to outlive the job: own session, own group, deaf to signals."""

import subprocess
import sys

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

WORK = "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)  # @TOKEN@-daemon"


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="leaves_daemon",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        subprocess.Popen([sys.executable, "-c", WORK], start_new_session=True)
