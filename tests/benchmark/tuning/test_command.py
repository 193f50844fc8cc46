import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmark.cli import main
from benchmark.methods import default_method
from benchmark.scenario import Scenario
from benchmark.tuning import TunePlaces, TuneRequest, read_tuned, tune

METHODS = tuple(map(default_method, ("gd", "ssd")))


def request(short: Scenario, trials: int = 3, seeds: tuple[int, ...] = (1000,)) -> TuneRequest:
    return TuneRequest((short,), METHODS, trials=trials, seeds=seeds)


def places(folder: Path) -> TunePlaces:
    return TunePlaces(folder / "store", folder / "tuned.json")


def store_list(store: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["store", "ls", "--store", str(store)]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_tuning_is_written_down_and_done_once(
    short: Scenario, tmp_path: Path, inline: type, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(record=True, width=200)
    assert tune(request(short), places(tmp_path), console) == []
    found = read_tuned(tmp_path / "tuned.json").scenarios[short.name]
    assert list(found) == ["gd", "ssd"]
    assert (found["gd"].trials, found["gd"].seeds, found["gd"].budget) == (3, [1000], 0.1)
    assert found["gd"].objective <= found["gd"].default_objective
    assert set(found["ssd"].settings) == {"alpha", "lam"}
    told = console.export_text()
    assert f"6 trials; results go to {tmp_path / 'tuned.json'}" in told
    assert f"{short.name} / gd: " in told
    listed = store_list(tmp_path / "store", capsys)
    assert sum("trial of gd 10 % from small-cnn poisoned, digits gaussian, seed 1000" in line for line in listed) == 3
    assert sum(line.startswith("tune ") for line in listed) == len(inline.calls) - 3  # craft and two trainings
    before = (tmp_path / "tuned.json").read_bytes()
    inline.calls.clear()
    assert tune(request(short), places(tmp_path), Console(quiet=True)) == []
    assert inline.calls == []
    assert (tmp_path / "tuned.json").read_bytes() == before


def test_the_same_command_gives_the_same_file_also_when_it_was_killed(
    short: Scenario, tmp_path: Path, inline: type
) -> None:
    assert tune(request(short), places(tmp_path / "whole"), Console(quiet=True)) == []
    computed = [call.address for call in inline.calls]
    inline.calls.clear()
    inline.dies_at = len(computed) - 2
    failures = tune(request(short), places(tmp_path / "killed"), Console(quiet=True))
    assert [(failure.key, failure.reason) for failure in failures] == [
        (f"{short.name} / ssd", "RuntimeError: killed"),
    ]
    assert list(read_tuned(tmp_path / "killed" / "tuned.json").scenarios[short.name]) == ["gd"]
    inline.calls.clear()
    inline.dies_at = None
    assert tune(request(short), places(tmp_path / "killed"), Console(quiet=True)) == []
    assert [call.address for call in inline.calls] == computed[-3:]
    assert (tmp_path / "killed" / "tuned.json").read_bytes() == (tmp_path / "whole" / "tuned.json").read_bytes()


def test_two_seeds_are_averaged(short: Scenario, tmp_path: Path, inline: type) -> None:
    values = []
    for seeds in ((1000,), (1001,), (1000, 1001)):
        file = tmp_path / f"{len(values)}.json"
        assert tune(request(short, 1, seeds), TunePlaces(tmp_path / "store", file), Console(quiet=True)) == []
        values.append(read_tuned(file).scenarios[short.name]["ssd"].objective)
    assert values[2] == pytest.approx((values[0] + values[1]) / 2)


def test_seeds_that_are_scored_on_are_refused(short: Scenario, tmp_path: Path, inline: type) -> None:
    with pytest.raises(ValueError, match=f"none that {short.name} scores on, got 2"):
        tune(request(short, seeds=(1000, 2)), places(tmp_path), Console(quiet=True))
    assert inline.calls == []


MISTAKES = {
    "--unlearner gdd --scenario digits-gaussian-cnn-v1": "did you mean 'gd'",
    "--unlearner gd --scenario digits-gaussian": "unknown scenario 'digits-gaussian'",
    "--unlearner gd --scenario digits-gaussian-cnn-v1 --seeds 0": "--seeds must be none that digits-gaussian-cnn-v1",
    "--unlearner gd --scenario digits-gaussian-cnn-v1 --trials 0": "--trials must be at least 1, got 0",
    "--unlearner gd --scenario digits-gaussian-cnn-v1 --budget 10": "(0, 1], got 10",
    "--unlearner gd --scenario digits-gaussian-cnn-v1 --workers 0": "--workers must be at least 1",
    "--unlearner gd --scenario digits-gaussian-cnn-v1 --tuned-file bad.json": "bad.json: layout: ",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text(json.dumps({"layout": 2}))
    assert main(["tune", *line.split()]) == 2
    assert MISTAKES[line] in capsys.readouterr().err


def test_the_command_line_takes_lists(tmp_path: Path, inline: type, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def note(request: TuneRequest, places: TunePlaces, console: Console) -> list[object]:
        asked.append((request, places))
        return []

    monkeypatch.setattr("benchmark.cli.tune", note)
    line = "tune --unlearner gd,scrub --scenario digits-gaussian-cnn-v1,grammar-trigger-tiny-v1 --trials 5 --workers 2"
    assert main([*line.split(), "--tuned-file", str(tmp_path / "t.json"), "--store", str(tmp_path / "s")]) == 0
    ((request, places),) = asked
    assert [method.name for method in request.methods] == ["gd", "scrub"]
    assert [scenario.name for scenario in request.scenarios] == ["digits-gaussian-cnn-v1", "grammar-trigger-tiny-v1"]
    assert (request.trials, request.seeds, request.budget) == (5, (1000, 1001), None)
    assert places == TunePlaces(tmp_path / "s", tmp_path / "t.json", 2)
