import itertools
from dataclasses import replace

import pytest

from benchmark.methods import Setting, configured_method, default_method, fitted
from benchmark.tuning import spaces
from benchmark.tuning.spaces import TABLE, Choice, Dimension, Linear, Log, space_of
from lightning_modules import UNLEARNERS


def corners(dimension: Dimension) -> tuple[Setting, ...]:
    return dimension.words if isinstance(dimension, Choice) else (dimension.low, dimension.high)


@pytest.mark.parametrize("name", UNLEARNERS.all())
def test_every_corner_is_accepted_and_the_default_lies_within(name: str) -> None:
    method = default_method(name)
    space = space_of(method)
    for values in itertools.product(*map(corners, space.values())):
        configured_method(name, dict(zip(space, values, strict=True)))
    for setting, dimension in space.items():
        default = method.hyperparameters[setting]
        if isinstance(dimension, Choice):
            assert default in dimension.words
        else:
            assert isinstance(default, int | float)
            assert dimension.low <= default <= dimension.high


def test_the_learning_rate_is_searched_around_that_of_the_scenario() -> None:
    space = space_of(fitted(default_method("gd"), 0.2))
    assert space["lr"] == Log(pytest.approx(0.002 / 30), pytest.approx(0.02))


def test_a_method_without_a_table_is_searched_over_its_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "TABLE", {name: space for name, space in TABLE.items() if name != "neggradplus"})
    space = space_of(default_method("neggradplus"))
    assert space == {"alpha": Linear(0.0, 1.0), "lr": Log(pytest.approx(0.01 / 30), pytest.approx(0.1))}
    assert space_of(default_method("simnpo"))["beta"] == Log(pytest.approx(0.45), pytest.approx(45.0))


def test_nothing_to_tune_is_told() -> None:
    method = replace(default_method("npo"), hyperparameters={"max_epochs": 3})
    with pytest.raises(ValueError, match="npo has no setting to tune"):
        space_of(method)
