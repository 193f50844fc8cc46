"""What this repository publishes: table, page and submitted files are what the entries say."""

from pathlib import Path

import pytest

from benchmark.publish import published_faults

ENTRIES = Path(__file__).parents[2] / "leaderboard" / "entries"


@pytest.mark.skipif(not ENTRIES.exists(), reason="nothing is published yet: leaderboard/entries does not exist")
def test_the_published_board_is_what_its_entries_say() -> None:
    assert published_faults(ENTRIES) == []
