import contextlib
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.methods import configured_method, default_method, fitted
from benchmark.recorded import recorded_method
from benchmark.scenarios import get_scenarios
from benchmark.tuning.rows import with_tuned
from benchmark.tuning.tuned import TunedFile, TunedMethod
from leaderboard import read_entries

NAME = "digits-gaussian-cnn-v1"
FOUND = TunedMethod(
    settings={"lr": 0.01, "lr_schedule": "linear"},
    trials=4,
    diverged=0,
    seeds=[1000],
    budget=0.1,
    objective=0.5,
    default_objective=1.5,
)
FILE = TunedFile(version=7, scenarios={NAME: {"gd": FOUND}})
GD, SSD = default_method("gd"), default_method("ssd")


def names(settings: str, *methods: object) -> tuple[list[str], list[str]]:
    rows, untuned = with_tuned(NAME, methods, settings, FILE, (0, 1))  # type: ignore[arg-type]
    return [row.name for row in rows], untuned


def test_which_rows_there_are() -> None:
    assert names("default", GD, SSD) == (["gd", "ssd"], [])
    assert names("tuned", GD, SSD) == (["gd.tuned"], ["ssd"])
    assert names("both", GD, SSD) == (["gd", "ssd", "gd.tuned"], ["ssd"])


def test_settings_given_by_hand_are_kept() -> None:
    by_hand = configured_method("gd", {"lr": 0.5})
    assert names("tuned", by_hand) == (["gd.lr-0.5"], [])
    assert names("both", GD, by_hand) == (["gd", "gd.lr-0.5", "gd.tuned"], [])


def test_a_tuned_row_has_its_settings_and_says_how_they_were_chosen() -> None:
    ((row,), _) = with_tuned(NAME, [GD], "tuned", FILE, (0,))
    assert row.title == "GD (fine-tuning) (tuned)"
    assert row.hyperparameters == dict(GD.hyperparameters) | {"lr": 0.01, "lr_schedule": "linear"}
    assert row.tuning == FILE.tuning(FOUND)
    assert fitted(row, 0.2) == row  # although its learning rate is the default


def test_a_seed_that_was_tuned_on_is_not_scored_on() -> None:
    with pytest.raises(ValueError, match=f"gd was tuned for {NAME} on seed 1000"):
        with_tuned(NAME, [GD], "tuned", FILE, (0, 1000))


def run(folder: Path, *more: str) -> int:
    (folder / "tuned.json").write_text(FILE.model_dump_json())
    line = f"run --scenarios {NAME} --seeds 0 --max-train-steps 60 --workers 1 --unlearners"
    places = ["--store", str(folder / "store"), "--output", str(folder / "out")]
    return main([*line.split(), *more, *places, "--tuned-file", str(folder / "tuned.json")])


def test_run_makes_both_rows_and_the_entry_names_the_tuning(
    tmp_path: Path, inline: type, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, "gd,ssd", "--settings", "both") == 0
    assert f"not tuned for {NAME}.first-60-steps: ssd" in capsys.readouterr().out
    entries = {entry.method.name: entry for entry in read_entries(tmp_path / "out" / "entries")}
    assert set(entries) == {"no_unlearning", "retrain", "sham", "gd", "ssd", "gd.tuned"}
    assert entries["gd"].tuning is None
    tuned = entries["gd.tuned"]
    assert tuned.tuning == FILE.tuning(FOUND)
    assert tuned.hyperparameters["lr_schedule"] == "linear"
    assert tuned.method.title == "GD (fine-tuning) (tuned)"
    assert tuned.results[0].seeds[0].unlearned != entries["gd"].results[0].seeds[0].unlearned
    for settings, is_known in ((FOUND.settings, True), ({"lr": 0.02}, False)):
        found = FOUND.model_copy(update={"settings": settings})
        file = TunedFile(version=7, scenarios={tuned.scenario: {"gd": found}})
        monkeypatch.setattr("benchmark.recorded.read_tuned", lambda file=file: file)
        (scenario,) = get_scenarios(NAME)
        with contextlib.nullcontext() if is_known else pytest.raises(ValueError, match="tuned settings"):
            again = recorded_method(tuned, scenario, tmp_path / "out" / "entries")
            assert again is not None
            assert (again.name, again.hyperparameters) == ("gd.tuned", tuned.hyperparameters)


def test_mistakes_are_told_before_anything_is_run(
    tmp_path: Path, inline: type, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "ssd", "--settings", "tuned") == 2
    assert "none of these methods was tuned" in capsys.readouterr().err
    assert run(tmp_path, "gd", "--settings", "tuned", "--seeds", "1000") == 2
    assert "tuned for digits-gaussian-cnn-v1 on seed 1000" in capsys.readouterr().err
    assert inline.calls == []
