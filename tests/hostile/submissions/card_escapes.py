"""Has terminal escapes, markup and a table's bars in its title."""

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


class Hostile(GD):
    """Fine-tuning under another name."""

    card = MethodCard(
        name="card_escapes",
        title="\x1b[2J<script>alert(1)</script> | 0.00 | **best** \r\n| forged |",
        paper="Nobody, Nowhere, 2026",
        formula="none",
        source="none",
    )
