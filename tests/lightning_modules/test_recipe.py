import pytest
import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

from benchmark.address import plain
from lightning_modules import Recipe, lr_factor, resolve_precision

STEPS = 50


def warm_up_and_fall(optimizer):
    """The shape of one-cycle, of torch's parts: 30 % of the steps up, the others down."""
    rise = LinearLR(optimizer, 1 / 25, 1.0, total_iters=15)
    return SequentialLR(optimizer, [rise, CosineAnnealingLR(optimizer, STEPS - 15)], milestones=[15])


def warm_up_and_fall_linearly(optimizer):
    """10 % of the steps up, the others down."""
    rise = LinearLR(optimizer, 1 / 5, 1.0, total_iters=4)
    return SequentialLR(optimizer, [rise, LinearLR(optimizer, 1.0, 0.0, total_iters=STEPS - 5)], milestones=[5])


SCHEDULERS = {
    "constant": lambda optimizer: ConstantLR(optimizer, factor=1.0),
    "linear": lambda optimizer: LinearLR(optimizer, 1.0, 0.0, total_iters=STEPS),
    "cosine": lambda optimizer: CosineAnnealingLR(optimizer, STEPS),
    "one-cycle": warm_up_and_fall,
    "linear-warmup": warm_up_and_fall_linearly,
}


@pytest.mark.parametrize("schedule", SCHEDULERS)
def test_factors_are_those_of_torch(schedule):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = SCHEDULERS[schedule](optimizer)
    for step in range(STEPS):
        assert lr_factor(schedule, step, STEPS) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-6), step
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("schedule", SCHEDULERS)
def test_factors_are_positive_up_to_the_last_step(schedule, steps):
    factors = [lr_factor(schedule, step, steps) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)


def test_one_cycle_rises_to_its_peak_and_falls_to_almost_nothing():
    factors = [lr_factor("one-cycle", step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 25)
    assert factors.index(max(factors)) == 30
    assert factors[:31] == sorted(factors[:31])
    assert factors[30:] == sorted(factors[30:], reverse=True)
    assert factors[-1] < 1e-3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"lr": 0.0}, "lr must be positive, got 0.0"),
        (
            {"schedule": "cosin"},
            "schedule must be one of constant, linear, cosine, one-cycle, linear-warmup, got 'cosin'",
        ),
        ({"optimizer": "adam"}, "optimizer must be one of sgd, adamw, got 'adam'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**{"epochs": 1, **setting})


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_named_precision_is_taken_as_it_is(precision, device):
    assert resolve_precision(precision, device) == precision


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_asks_whether_the_processor_multiplies_bfloat16(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert resolve_precision("auto", "cpu") == expected


def test_optimizer_is_sgd_unless_said_and_then_no_part_of_an_address():
    """Recipes were addressed before they had an optimizer."""
    assert "optimizer" not in plain(Recipe(epochs=1))
    assert plain(Recipe(epochs=1, optimizer="adamw"))["optimizer"] == "adamw"
