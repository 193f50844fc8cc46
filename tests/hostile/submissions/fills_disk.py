"""Writes to every place it can, 2 GiB at most."""

import contextlib
import os
import tempfile
from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="fills_disk",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        for place in (os.environ.get("HOME", "/"), tempfile.gettempdir(), "/dev/shm", "/var/tmp"):  # noqa: S108
            for number in range(4):
                path = Path(place) / f"@TOKEN@-{number}"
                with contextlib.suppress(OSError):
                    try:
                        with path.open("wb") as file:
                            for _ in range(16):
                                file.write(bytes(8 << 20))
                    finally:
                        path.unlink(missing_ok=True)
