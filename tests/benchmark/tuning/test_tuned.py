import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.methods import tuned_method
from benchmark.scenarios import all_scenarios
from benchmark.tuning.criterion import CRITERION
from benchmark.tuning.tuned import TUNED_FILE, TunedFile, TunedMethod, read_to_add, read_tuned, record

FOUND = TunedMethod(
    settings={"lr": 0.02, "lr_schedule": "linear"},
    trials=12,
    diverged=1,
    seeds=[1000, 1001],
    budget=0.1,
    objective=0.5,
    default_objective=1.5,
)
OTHER = FOUND.model_copy(update={"settings": {"lr": 0.03}})


def test_results_are_added_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    for scenario, method in (("b", "gd"), ("a", "scrub"), ("a", "gd")):
        record(path, scenario, method, FOUND, base=1)
    file = read_tuned(path)
    assert file == TunedFile(scenarios={"a": {"gd": FOUND, "scrub": FOUND}, "b": {"gd": FOUND}})
    assert file.find("a", "scrub") == FOUND
    assert file.find("a", "ssd") is None
    text = path.read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert [item.name for item in tmp_path.iterdir() if "partial" in item.name] == []


def test_a_command_that_replaces_settings_raises_the_version_once(tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    for method in ("gd", "scrub"):
        record(path, "a", method, FOUND, base=1)
    record(path, "a", "gd", FOUND, base=1)
    assert read_tuned(path).version == 1
    for method in ("gd", "scrub"):
        record(path, "a", method, OTHER, base=1)
    assert read_tuned(path).version == 2


def test_an_entry_is_told_what_the_file_says() -> None:
    tuning = TunedFile(version=3).tuning(FOUND)
    assert (tuning.version, tuning.trials, tuning.seeds, tuning.criterion) == (3, 12, [1000, 1001], CRITERION)


BROKEN: dict[str, dict[str, Any]] = {
    "extra": {"more": 1},
    "layout": {"layout": 2},
    "version": {"version": 0},
    "scenarios.a.gd.trials": {"scenarios": {"a": {"gd": FOUND.model_dump() | {"trials": "12"}}}},
    "scenarios.a.gd.seeds": {"scenarios": {"a": {"gd": FOUND.model_dump() | {"seeds": []}}}},
    "scenarios.a.gd.objective": {"scenarios": {"a": {"gd": FOUND.model_dump() | {"objective": None}}}},
}


@pytest.mark.parametrize("change", BROKEN)
def test_a_file_that_is_not_valid_is_told(change: str, tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps(TunedFile().model_dump() | BROKEN[change]))
    place = next(iter(BROKEN[change])) if change == "extra" else change
    with pytest.raises(ValueError, match=f"tuned.json: {place}: "):
        read_tuned(path)


def test_no_json_is_told_and_no_file_holds_nothing(tmp_path: Path) -> None:
    assert read_tuned(tmp_path / "none.json") == TunedFile()
    (tmp_path / "tuned.json").write_text("{")
    with pytest.raises(ValueError, match=r"tuned.json: the file: Invalid JSON"):
        read_tuned(tmp_path / "tuned.json")
    with pytest.raises(ValueError, match="cannot be read"):
        read_tuned(tmp_path)


def test_settings_of_another_criterion_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(TunedFile(criterion="test accuracy").model_dump_json())
    with pytest.raises(ValueError, match="another criterion"):
        record(path, "a", "gd", FOUND, base=1)
    with pytest.raises(ValueError, match="another criterion"):
        read_to_add(path)


def test_the_shipped_file_can_be_run() -> None:
    file = read_tuned(TUNED_FILE)
    assert file.criterion == CRITERION
    assert file.scenarios
    for name, methods in file.scenarios.items():
        scenario = all_scenarios()[name]
        for method, found in methods.items():
            assert tuned_method(method, found.settings, file.tuning(found)).name == f"{method}.tuned"
            assert not set(found.seeds) & set(scenario.seeds)
            assert found.objective <= found.default_objective
            assert found.budget == max(scenario.budgets)
