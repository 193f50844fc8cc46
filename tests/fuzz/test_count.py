"""How many malformed cases there are: the bar is 500."""

import inspect
import re
from pathlib import Path

import pytest

KINDS = ("test_entries.py", "test_artifacts.py", "test_poison_files.py", "test_command_line.py")
BAR = 500


def cases_of(item: pytest.Item) -> int:
    """Cases of one test: what it asks `fuzz` for, which checks that it got as many; 1 otherwise."""
    assert isinstance(item, pytest.Function)
    asked = re.search(r"cases=(\d+)", inspect.getsource(item.function))
    return int(asked[1]) if asked else 1


def test_there_are_at_least_500_malformed_cases_of_every_kind(request: pytest.FixtureRequest) -> None:
    here = Path(__file__).parent
    items = [item for item in request.session.items if item.path.parent == here and item.path.name in KINDS]
    if {item.path.name for item in items} != set(KINDS):
        pytest.skip("only a part of the cases was collected")
    refusing = [item for item in items if "is_valid" not in item.name]
    counts = {name: sum(cases_of(item) for item in refusing if item.path.name == name) for name in KINDS}
    assert sum(counts.values()) >= BAR, counts
    assert min(counts.values()) >= 100, counts
