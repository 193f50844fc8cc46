import math
from collections.abc import Mapping

import pytest

from benchmark.methods import Setting
from benchmark.tuning.spaces import Choice, Dimension, Linear, Log, Whole
from benchmark.tuning.study import best, search

SPACE: dict[str, Dimension] = {
    "lr": Log(1e-4, 1.0),
    "alpha": Linear(0.0, 1.0),
    "k": Whole(1, 4),
    "schedule": Choice(("constant", "linear")),
}
DEFAULTS: dict[str, Setting] = {"lr": 0.0123456, "alpha": 0.5, "k": 2, "schedule": "constant", "other": 7}


def valley(settings: Mapping[str, Setting]) -> float:
    lr, alpha = settings["lr"], settings["alpha"]
    assert isinstance(lr, float)
    assert isinstance(alpha, float)
    return abs(math.log10(lr) + 1) + abs(alpha - 0.2) + (settings["schedule"] == "constant")


def test_the_first_trial_is_the_defaults_so_that_the_best_is_no_worse() -> None:
    trials = search(SPACE, DEFAULTS, valley, trials=8, seed=0)
    assert trials[0].settings == {name: DEFAULTS[name] for name in SPACE}
    assert best(trials).objective <= trials[0].objective
    assert best(search(SPACE, DEFAULTS, lambda _: 1.0, trials=4, seed=0)).settings == trials[0].settings


def test_the_same_seed_gives_the_same_trials_and_more_begin_with_them() -> None:
    trials = search(SPACE, DEFAULTS, valley, trials=9, seed=5)
    assert search(SPACE, DEFAULTS, valley, trials=9, seed=5) == trials
    assert search(SPACE, DEFAULTS, valley, trials=14, seed=5)[:9] == trials
    assert search(SPACE, DEFAULTS, valley, trials=9, seed=6) != trials


def test_the_search_learns() -> None:
    late = [trial.objective for trial in search(SPACE, DEFAULTS, valley, trials=60, seed=0)[30:]]
    early = [trial.objective for trial in search(SPACE, DEFAULTS, valley, trials=60, seed=0)[:5]]
    assert sum(late) / len(late) < 0.7 * sum(early) / len(early)


def test_what_is_tried_is_within_the_space_and_short_enough_to_be_written_down() -> None:
    for trial in search(SPACE, DEFAULTS, valley, trials=20, seed=1)[1:]:
        lr, alpha, k = trial.settings["lr"], trial.settings["alpha"], trial.settings["k"]
        assert isinstance(lr, float)
        assert 1e-4 <= lr <= 1
        assert lr == float(f"{lr:.3g}")
        assert isinstance(alpha, float)
        assert 0 <= alpha <= 1
        assert k in (1, 2, 3, 4)
        assert trial.settings["schedule"] in ("constant", "linear")


def test_a_missing_optuna_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs Optuna.*\[tune\]"):
        search(SPACE, DEFAULTS, valley, trials=1, seed=0)


def test_no_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        search(SPACE, DEFAULTS, valley, trials=0, seed=0)
