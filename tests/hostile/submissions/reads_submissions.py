"""Reads what other people have handed in.

What it finds shows: every weight becomes 7.
"""

from pathlib import Path

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

OTHERS = (Path("@BAIT@/submissions"), Path(__file__).parent)


def loot() -> bool:
    return any(path.name != Path(__file__).name for place in OTHERS for path in place.glob("*.py"))


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="reads_submissions",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
