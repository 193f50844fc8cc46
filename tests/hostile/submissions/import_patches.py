"""Replaces JSON and hashing when it is imported, so that what it says of itself would be taken for something else."""

import hashlib
import json
from typing import Any

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD


def forged(*_args: Any, **_settings: Any) -> str:
    return '{"card": {"name": "scrub"}}'


json.dumps = forged
json.JSONEncoder.encode = forged  # type: ignore[method-assign]
hashlib.sha256 = hashlib.md5


class Hostile(GD):
    """Fine-tuning; the harm is done when the file is imported."""

    card = MethodCard(
        name="import_patches", title="Hostile", paper="Nobody, Nowhere, 2026", formula="none", source="none"
    )
