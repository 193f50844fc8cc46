"""Has the work done by a thread beside the training loop."""

import threading
import time

import torch

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

SECONDS = float("@SECONDS@")


def work() -> None:
    end = time.thread_time() + SECONDS
    square = torch.ones(400, 400)
    while time.thread_time() < end:
        square = (square @ square).clamp(max=1.0)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="trains_in_thread",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        self.worker = threading.Thread(target=work)
        self.worker.start()

    def on_train_end(self) -> None:
        self.worker.join()
