"""Running apart changes nothing about an honest method."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark.isolation import Submission, SubmissionError, check_apart, describe, run_apart
from benchmark.isolation.limits import START_UP_S, Limits, Pace
from benchmark.isolation.pace import measured_pace
from benchmark.isolation.walls import walls
from benchmark.stages.craft import load_data
from benchmark.stages.unlearn import unlearn
from lightning_modules import build_network

SAME = ("forward_passes", "backward_passes", "passes", "training_passes", "flops", "device", "stopped_by_budget")
PACE = Pace(seconds=1.0, passes=1000.0)


def apart(submission: Submission, world, folder: Path, **changes):
    folder.mkdir()
    config = replace(world.config, method=submission.reference, hyperparameters=submission.defaults, **changes)
    return run_apart(submission, PACE, config, world.craft, world.crafted, world.weights, folder)


def in_place(method: str, submission: Submission, world, folder: Path):
    folder.mkdir()
    config = replace(world.config, method=method, hyperparameters=submission.defaults)
    return unlearn(config, world.craft, world.crafted, world.weights, folder)


def assert_alike(method: str, copy_of: Callable[[str], str], world, place: Path) -> None:
    submission = describe(copy_of(method))
    shipped, ours = in_place(method, submission, world, place / "a"), apart(submission, world, place / "b")
    names = sorted(path.name for path in (place / "a").iterdir())
    assert names == sorted(path.name for path in (place / "b").iterdir())
    for name in names:
        if name.endswith(".safetensors"):
            assert (place / "a" / name).read_bytes() == (place / "b" / name).read_bytes(), name
    assert {key: ours["cost"][key] for key in SAME} == {key: shipped["cost"][key] for key in SAME}
    assert ours["snapshots"] == shipped["snapshots"]
    assert ours["finite"] == shipped["finite"]


@pytest.mark.parametrize("method", ["gd", "scrub", "ssd"])
def test_a_copy_of_a_shipped_method_gives_the_same_bits_and_ledger(method, copy_of, digits, tmp_path) -> None:
    assert_alike(method, copy_of, digits, tmp_path)


def test_the_same_on_texts(copy_of, texts, tmp_path) -> None:
    assert_alike("npo", copy_of, texts, tmp_path)


def test_the_same_without_walls(copy_of, digits, tmp_path, without_walls) -> None:
    assert_alike("scrub", copy_of, digits, tmp_path)
    submission = describe(copy_of("scrub"))
    assert apart(submission, digits, tmp_path / "again")["protection"]["kind"] == "process"


def test_what_kept_it_apart_and_what_time_it_took_are_recorded(copy_of, digits, tmp_path) -> None:
    meta = apart(describe(copy_of("gd")), digits, tmp_path / "run")
    assert meta["protection"]["kind"] == walls().kind
    assert meta["protection"]["memory_limit_bytes"] == Limits().memory_bytes
    cost = meta["cost"]
    assert 0 < cost["cpu_s"] < 60
    assert START_UP_S < cost["allowed_s"] < 60
    assert cost["explained"]


def test_computing_behind_the_ledgers_back_is_not_explained(copy_of, digits, tmp_path) -> None:
    text = Path(copy_of("gd")).read_text().replace('name="my_gd"', 'name="burns"')
    burning = "import time\n        while time.process_time() < 10: pass\n        return self.loss("
    (tmp_path / "burns.py").write_text(text.replace("return self.loss(", burning))
    cost = apart(describe(str(tmp_path / "burns.py")), digits, tmp_path / "run")["cost"]
    assert cost["passes"] <= 0.3 * digits.config.training_passes
    assert cost["cpu_s"] > 5 > cost["allowed_s"]
    assert not cost["explained"]


def test_pace_is_of_a_copy_and_leaves_the_random_state(digits) -> None:
    network = build_network(digits.config.network, 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    samples, state = load_data(digits.craft, digits.crafted).retain_set, torch.get_rng_state()
    pace = measured_pace(network, samples, 64, mixed=False)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert 0.2 <= pace.seconds < 30
    assert pace.passes >= 3 * 3 * 14


def test_nothing_of_it_is_imported_here(copy_of, digits, tmp_path) -> None:
    before = set(sys.modules)
    submission = describe(copy_of("ga"))
    apart(submission, digits, tmp_path / "run")
    assert not [name for name in set(sys.modules) - before if "my_ga" in name or "plugin" in name]


def test_an_error_is_told_in_one_line_with_its_place(copy_of, digits, tmp_path) -> None:
    text = Path(copy_of("gd")).read_text().replace('name="my_gd"', 'name="fails"')
    (tmp_path / "fails.py").write_text(
        text.replace("return self.loss(", 'raise RuntimeError("\\x1b[31mno\\nway")\n        return self.loss(')
    )
    with pytest.raises(SubmissionError, match=r"^RuntimeError in training_step \(fails.py:\d+\): \[31mno way$"):
        apart(describe(str(tmp_path / "fails.py")), digits, tmp_path / "run")


def test_checks_run_where_the_method_lives(copy_of) -> None:
    reference, told = copy_of("ssd"), []
    results = check_apart(reference, describe(reference).defaults, told.append)
    assert results == told
    assert len(results) > 15
    assert all(result.passed for result in results), [result for result in results if not result.passed]
