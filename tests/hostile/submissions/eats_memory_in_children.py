"""Takes memory in eight processes of 512 MiB, each of them modest."""

import os
import time

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="eats_memory_in_children",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        for _ in range(8):
            if os.fork() == 0:
                held = bytearray(b"x" * (512 << 20))
                time.sleep(20)
                os._exit(len(held) % 2)
        time.sleep(20)
