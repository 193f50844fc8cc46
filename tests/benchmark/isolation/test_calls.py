"""The address of a submission's unlearning: what it means, not where it lies."""

from dataclasses import replace
from pathlib import Path

from benchmark.calls import unlearn_call
from benchmark.isolation import Submission
from benchmark.store import Artifact
from lightning_modules import MethodCard

POISONED = Artifact("train", "p", Path("p"), {"wall_clock_s": 1.0, "passes": 100.0})
CRAFTED = Artifact("craft", "c", Path("c"), {"forget": "f", "retain": "r"})
CARD = MethodCard("mine", "Mine", "p", "f", "s")
MINE = Submission("/a/mine.py:Mine", "mine.py", "Mine", "0" * 64, "digest", CARD, {}, ("image",), b"one")


def address(world, submission: Submission) -> str:
    config = replace(world.config, method=submission.reference)
    return unlearn_call(config, POISONED, CRAFTED, world.craft, submission).address


def test_neither_place_nor_comments_nor_title_count(digits) -> None:
    other = replace(MINE, reference="/b/x.py:Mine", file="x.py", sha256="1" * 64, content=b"one # said otherwise")
    assert address(digits, other) == address(digits, MINE)


def test_other_code_class_or_name_is_another_address(digits) -> None:
    changes = [{"source": "other"}, {"class_name": "Other"}, {"card": replace(CARD, name="other")}]
    found = {address(digits, replace(MINE, **change)) for change in changes}
    assert len(found | {address(digits, MINE)}) == 4
