"""The runs are read back with TensorBoard's own reader."""

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from callbacks.functional import null_band, trade_off_curve
from callbacks.tensorboard import (
    CraftingCurves,
    PoisonImages,
    Probe,
    SeedView,
    TrainingRun,
    UnlearningRun,
    attacks,
    pictures,
    write_training,
    write_unlearning,
)
from callbacks.tensorboard.cards import training_card, unlearning_card
from lightning_modules import MethodCard

EFFECT = "gaussian_correlation"
POISONS = 40
TRAINING_PASSES = 3000.0
CARD = MethodCard(name="gd", title="GD", paper="a paper", formula="w <- w - g", source="a source")


PROBE = Probe(
    name="targets",
    key="said",
    images=torch.zeros(1, 2, 3, 4, 4),
    versions=["target"],
    labels=["a", "b"],
    true=torch.tensor([0, 1]),
    wanted=torch.tensor([1, 2]),
)


def scores(effect: float, accuracy: float, loss: float) -> dict[str, float]:
    sets = ("forget", "retain", "selection", "test")
    named = {f"accuracy/{name}": accuracy for name in sets} | {
        f"loss/{name}": loss for name in sets if name != "selection"
    }
    return named | {EFFECT: effect, "gaussian/mean": effect, "gaussian/z": 6 * effect, "gaussian/tpr_null_low": 0.0}


def arrays(shift: float) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    seen, fresh = torch.randn(2, POISONS, generator=generator, dtype=torch.float64)
    return {"gaussian/statistic": seen + shift, "gaussian/statistic_fresh": fresh}


def trained(effect: float, accuracy: float, passes: float) -> TrainingRun:
    history = [{"epoch": epoch, "loss": 2.0 / (epoch + 1), "lr": 0.1} for epoch in range(3)]
    return TrainingRun(scores=scores(effect, accuracy, 0.5), arrays=arrays(effect), passes=passes, history=history)


@pytest.fixture(scope="module")
def view() -> SeedView:
    base = torch.linspace(0, 1, 2 * 3 * 4 * 4).view(2, 3, 4, 4)
    return SeedView(
        scenario="toy-gaussian-mlp-v1",
        seed=3,
        effect=EFFECT,
        horizon=0.1,
        poisoned=trained(1.0, 0.9, TRAINING_PASSES),
        retrain=trained(0.0, 0.88, 2850.0),
        second_retrain=trained(0.125, 0.89, 2850.0),
        images=PoisonImages(base, base + 0.05, ["cat", "dog"]),
    )


@pytest.fixture(scope="module")
def gd() -> UnlearningRun:
    moments = [{"passes": 60.0} | scores(0.75, 0.8, 0.7), {"passes": 120.0} | scores(0.5, 0.7, 0.9)]
    return UnlearningRun(
        scores=scores(0.25, 0.86, 1.5),
        arrays=arrays(0.25),
        card=CARD,
        hyperparameters={"lr": 0.01, "schedule": "constant", "max_epochs": None},
        budget=0.1,
        passes=240.0,
        trajectory=[{key: value for key, value in line.items() if key[-5:] != "/test"} for line in moments],
    )


@pytest.fixture(scope="module")
def written(view, gd, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_training(view, folder)
    write_unlearning(view, gd, folder)
    return folder


def place(folder: Path, name: str) -> Path:
    return folder / "toy-gaussian-mlp-v1" / "seed3" / name


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0, "histograms": 0}).Reload()


def curve(run: EventAccumulator, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in run.Scalars(tag)}


def row(run: EventAccumulator) -> dict[str, str]:
    content = run.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG]
    settings = metadata.parse_session_start_info_plugin_data(content).hparams
    return {name: value.string_value for name, value in settings.items()}


def picture(run: EventAccumulator, tag: str) -> Image.Image:
    (event,) = run.Images(tag)
    return Image.open(io.BytesIO(event.encoded_image_string))


def test_every_network_has_a_run(written):
    names = {path.name for path in place(written, "").iterdir()}
    assert names == {"poisoned", "retrain", "second_retrain", "fresh_noise", "gd@10%"}


def test_anchors_are_flat_from_zero_to_the_greatest_budget(written):
    for name, effect, accuracy in (("poisoned", 1.0, 0.9), ("retrain", 0.0, 0.88), ("second_retrain", 0.125, 0.89)):
        run = read(place(written, name))
        assert curve(run, f"progress/effect_{EFFECT}") == {0: effect, 100: effect}
        assert curve(run, "progress/accuracy_selection") == pytest.approx({0: accuracy, 100: accuracy})
        assert curve(run, "progress_details/gaussian/z") == {0: 6 * effect, 100: 6 * effect}


def test_training_is_drawn_by_epoch(written):
    for name in ("poisoned", "retrain", "second_retrain"):
        run = read(place(written, name))
        assert curve(run, "training/loss") == pytest.approx({0: 2.0, 1: 1.0, 2: 2 / 3})
        assert curve(run, "training/lr") == pytest.approx({0: 0.1, 1: 0.1, 2: 0.1})


def test_a_method_starts_at_the_poisoned_model_and_ends_where_it_ended(written):
    run = read(place(written, "gd@10%"))
    assert curve(run, f"progress/effect_{EFFECT}") == {0: 1.0, 20: 0.75, 40: 0.5, 80: 0.25}
    assert curve(run, "progress/loss_forget") == pytest.approx({0: 0.5, 20: 0.7, 40: 0.9, 80: 1.5})
    assert curve(run, "progress/accuracy_selection") == pytest.approx({0: 0.9, 20: 0.8, 40: 0.7, 80: 0.86})
    assert curve(run, "progress/budget_spent") == pytest.approx({0: 0, 20: 20, 40: 40, 80: 80})


def test_methods_and_anchors_share_their_charts(written):
    along = [
        {tag for tag in read(place(written, name)).Tags()["scalars"] if not tag.startswith("training/")}
        for name in ("poisoned", "retrain", "second_retrain", "gd@10%")
    ]
    assert along[0] == along[1] == along[2] == along[3] - {"progress/budget_spent"}
    assert not any(word in tag for tag in along[3] for word in ("passes", "test", "null", "/mean"))


@pytest.mark.parametrize(
    ("name", "at", "residual", "gap", "cost"),
    [
        ("poisoned", 100, 1, 2, 0),
        ("retrain", 100, 0, 0, 95),
        ("second_retrain", 100, 0.125, 1, 95),
        ("gd@10%", 80, 0.25, -2, 8),
    ],
)
def test_outcome(written, name, at, residual, gap, cost):
    run = read(place(written, name))
    assert curve(run, "outcome/residual")[at] == pytest.approx(residual)
    assert curve(run, "outcome/accuracy_gap")[at] == pytest.approx(gap, abs=1e-5)
    assert curve(run, "outcome/cost")[at] == pytest.approx(cost)


def test_table_of_runs_names_method_seed_and_settings(written):
    run = read(place(written, "gd@10%"))
    assert row(run) == {
        "scenario": "toy-gaussian-mlp-v1",
        "method": "gd@10%",
        "seed": "3",
        "settings": "lr=0.01, schedule=constant, max_epochs=None",
    }
    assert row(read(place(written, "retrain")))["method"] == "retrain"


def test_every_run_declares_the_same_table_with_metrics_it_has(written):
    declared = []
    for name in ("poisoned", "retrain", "second_retrain", "gd@10%"):
        run = read(place(written, name))
        table = metadata.parse_experiment_plugin_data(run.PluginTagToContent("hparams")[metadata.EXPERIMENT_TAG])
        declared.append(table)
        assert [info.name.tag for info in table.metric_infos] == [
            "outcome/residual",
            "outcome/accuracy_gap",
            "outcome/cost",
        ]
        assert {info.name.tag for info in table.metric_infos} <= set(run.Tags()["scalars"])
    assert all(table == declared[0] for table in declared)


def test_histograms_share_one_tag_and_one_axis(view, gd, written):
    for name, steps in (("poisoned", [0]), ("retrain", [0]), ("fresh_noise", [0]), ("gd@10%", [0, 80])):
        events = read(place(written, name)).Histograms("statistic/histogram")
        assert [event.step for event in events] == steps
        for event in events:
            value = event.histogram_value
            assert (value.min, value.max, value.num) == (-4, 4, POISONS)
            assert sum(value.bucket) == POISONS
            assert len(value.bucket) == len(value.bucket_limit) == 32
    before, after = (event.histogram_value for event in events)
    assert before.sum / POISONS == pytest.approx(float(view.poisoned.arrays["gaussian/statistic"].mean()))
    assert after.sum / POISONS == pytest.approx(float(gd.arrays["gaussian/statistic"].mean()))


def test_histogram_axis_grows_with_the_values(view, gd, tmp_path):
    write_unlearning(view, replace(gd, arrays=arrays(7.0)), tmp_path)
    _, after = read(place(tmp_path, "gd@10%")).Histograms("statistic/histogram")
    assert after.histogram_value.max == -after.histogram_value.min > 7
    assert sum(after.histogram_value.bucket) == POISONS


def test_pictures_are_where_they_belong(written):
    both = ["statistic/distributions", "statistic/trade_off"]
    assert sorted(read(place(written, "poisoned")).Tags()["images"]) == [*both, "training/poisons"]
    assert sorted(read(place(written, "gd@10%")).Tags()["images"]) == both
    assert read(place(written, "retrain")).Tags()["images"] == []
    for tag in both:
        image = picture(read(place(written, "gd@10%")), tag)
        assert image.mode == "RGB"
        assert image.width > 600
        assert len(image.getcolors(1 << 20)) > 50


def test_what_networks_say_is_drawn_for_every_method_and_once_for_the_trained_ones(view, gd, tmp_path):
    crafted = replace(view, probe=PROBE, crafting=CraftingCurves("loss", torch.ones(1, 3), ["all"]))
    write_training(crafted, tmp_path)
    write_unlearning(crafted, gd, tmp_path)
    at = {name: read(place(tmp_path, name)).Tags()["images"] for name in ("poisoned", "retrain", "gd@10%")}
    assert {"audit/targets", "training/crafting"} <= set(at["poisoned"])
    assert "audit/targets" in at["gd@10%"]
    assert "training/crafting" not in at["gd@10%"]
    assert at["retrain"] == []


def test_a_method_is_asked_between_what_it_came_from_and_what_it_should_be(view, gd, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(attacks, "answers", lambda _, networks: asked.append(dict(networks)) or Figure())
    crafted = replace(view, probe=PROBE)
    write_training(crafted, tmp_path)
    write_unlearning(crafted, gd, tmp_path)
    trained = {"poisoned": view.poisoned, "retrain": view.retrain, "second retrain": view.second_retrain}
    assert asked == [trained, {"poisoned": view.poisoned, "GD": gd, "retrain": view.retrain}]
    assert [list(networks) for networks in asked] == [list(trained), ["poisoned", "GD", "retrain"]]


def test_texts(view, gd, written):
    for name, tag, text in (("poisoned", "about", training_card(view)), ("gd@10%", "card", unlearning_card(view, gd))):
        (event,) = read(place(written, name)).Tensors(f"{tag}/text_summary")
        assert event.tensor_proto.string_val == [text.encode()]
    card = unlearning_card(view, gd)
    assert "| |poisoned|GD|retrain|second retrain|" in card
    assert f"|effect ({EFFECT})|1.000|0.250|0.000|0.125|" in card
    assert "|residual|1.00|0.25|0.00|0.12|" in card
    assert "budget: 10 % of training, spent: 8.00 %" in card
    assert "diverged" not in card


def test_writing_again_changes_nothing(view, gd, tmp_path):
    def content() -> dict[Path, tuple[int, bytes]]:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    write_training(view, tmp_path)
    write_unlearning(view, gd, tmp_path)
    before = content()
    write_training(view, tmp_path)
    write_unlearning(view, gd, tmp_path)
    assert content() == before
    assert len(before) == 5


def test_new_results_replace_the_old(view, gd, tmp_path):
    write_unlearning(view, gd, tmp_path)
    write_unlearning(view, replace(gd, passes=270.0, trajectory=[]), tmp_path)
    (file,) = place(tmp_path, "gd@10%").iterdir()
    assert curve(read(file.parent), f"progress/effect_{EFFECT}") == {0: 1.0, 90: 0.25}


def test_files_depend_on_results_alone(view, gd, tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        write_unlearning(view, gd, folder)
    (one,), (other,) = (list(place(tmp_path / name, "gd@10%").iterdir()) for name in "ab")
    assert (one.name, one.read_bytes()) == (other.name, other.read_bytes())


def test_events_carry_the_time_of_measuring(view, gd, tmp_path):
    write_unlearning(view, replace(gd, measured_at=1.7e9), tmp_path)
    run = read(place(tmp_path, "gd@10%"))
    assert {event.wall_time for event in run.Scalars("outcome/residual")} == {1.7e9}
    assert {event.wall_time for event in run.Images("statistic/trade_off")} == {1.7e9}


@pytest.mark.parametrize("broken", [None, math.nan, math.inf, "missing"])
def test_a_diverged_method_is_written_as_such(view, gd, tmp_path, broken):
    lost = {} if broken == "missing" else dict.fromkeys(gd.scores, broken)
    snapshot = {"passes": 60.0} | dict.fromkeys(gd.trajectory[0].keys() - {"passes"})
    nothing = torch.full((POISONS,), math.nan, dtype=torch.float64)
    shattered = {} if broken == "missing" else {"gaussian/statistic": nothing, "gaussian/statistic_fresh": nothing}
    diverged = replace(gd, scores=lost, arrays=shattered, trajectory=[snapshot])
    write_unlearning(view, diverged, tmp_path)
    run = read(place(tmp_path, "gd@10%"))
    effect = curve(run, f"progress/effect_{EFFECT}")
    assert list(effect) == [0, 20, 80]
    assert effect[0] == 1.0
    assert math.isnan(effect[20])
    assert math.isnan(effect[80])
    for tag in ("progress/loss_forget", "progress/accuracy_selection", "outcome/residual", "outcome/accuracy_gap"):
        assert math.isnan(curve(run, tag)[80])
    assert curve(run, "outcome/cost")[80] == pytest.approx(8)
    assert row(run)["method"] == "gd@10%"
    assert [event.step for event in run.Histograms("statistic/histogram")] == [0]
    assert "It diverged" in unlearning_card(view, diverged)


def test_an_attack_that_did_not_take_has_no_residual(view, gd, tmp_path):
    flat = replace(view, poisoned=replace(view.poisoned, scores=view.retrain.scores))
    write_unlearning(flat, gd, tmp_path)
    assert math.isnan(curve(read(place(tmp_path, "gd@10%")), "outcome/residual")[80])


def test_a_poison_without_noise_has_no_pictures_of_noise(view, gd, tmp_path):
    bare = {name: replace(run, arrays={}) for name, run in view.anchors.items()}
    other = replace(view, **bare, effect="loss/test", images=None)
    write_training(other, tmp_path)
    write_unlearning(other, replace(gd, arrays={}), tmp_path)
    assert {path.name for path in place(tmp_path, "").iterdir()} == {"poisoned", "retrain", "second_retrain", "gd@10%"}
    run = read(place(tmp_path, "gd@10%"))
    assert run.Tags()["images"] == run.Tags()["histograms"] == []
    assert curve(run, "progress/effect_loss_test") == {0: 0.5, 80: 1.5}


def test_a_method_that_could_afford_nothing_is_one_point(view, gd, tmp_path):
    write_unlearning(view, replace(gd, passes=0.0, trajectory=[]), tmp_path)
    assert curve(read(place(tmp_path, "gd@10%")), f"progress/effect_{EFFECT}") == {0: 0.25}


def test_budgets_have_runs_of_their_own(gd):
    assert [replace(gd, budget=budget).name for budget in (0.02, 0.1, 0.025)] == ["gd@2%", "gd@10%", "gd@2.5%"]
    with pytest.raises(ValueError, match="budget must be positive, got 0"):
        replace(gd, budget=0)


def series(*shifts: float) -> list[pictures.Series]:
    colors = list(pictures.COLORS.values())
    values = [arrays(shift)["gaussian/statistic"].numpy() for shift in shifts]
    return [
        pictures.Series(f"at {shift}", color, value)
        for shift, color, value in zip(shifts, colors, values, strict=False)
    ]


def test_distributions_show_each_network_against_the_null():
    shown = series(2.0, 0.0, 6.0)
    axes = pictures.distributions(shown).axes
    assert len(axes) == len(shown)
    for axis, part in zip(axes, shown, strict=True):
        null, mean = axis.lines
        grid, density = null.get_data()
        assert density == pytest.approx(np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi))
        assert mean.get_xdata() == pytest.approx([part.values.mean()] * 2)
        assert sum(bar.get_width() * bar.get_height() for bar in axis.patches) == pytest.approx(1)
        low, high = axis.get_xlim()
        assert low <= part.values.min() < part.values.max() <= high
        assert axis.get_title(loc="left") == part.label
        assert axis.get_title(loc="right").startswith(f"mean {part.values.mean():+.2f}")


def test_trade_off_draws_the_curve_the_diagonal_and_the_band():
    shown = series(1.5, 0.0)
    (axis,) = pictures.trade_off(shown).axes
    drawn = {line.get_label(): line.get_data() for line in axis.lines}
    for part in shown:
        ((fprs, tprs),) = [data for label, data in drawn.items() if str(label).startswith(part.label)]
        assert (fprs[0], fprs[-1]) == pytest.approx((1e-3, 1))
        assert tprs == pytest.approx(trade_off_curve(part.values, fprs))
    (band,) = axis.collections
    edges = band.get_paths()[0].vertices
    low, high = null_band(POISONS, 0.1)
    at_tenth = edges[np.isclose(edges[:, 0], 0.1), 1]
    assert at_tenth.min() == pytest.approx(low)
    assert at_tenth.max() == pytest.approx(high)


def test_curve_is_seen_where_it_belongs():
    (part,) = series(1.5)
    figure = pictures.trade_off([part])
    pixels = pictures.render(figure).astype(int)
    (axis,) = figure.axes
    right, up = axis.transData.transform((0.1, float(trade_off_curve(part.values, np.array([0.1]))[0])))
    spot = pixels[len(pixels) - round(up) - 3 : len(pixels) - round(up) + 3, round(right) - 2 : round(right) + 3]
    color = np.array([int(part.color[at : at + 2], 16) for at in (1, 3, 5)])
    assert np.abs(spot - color).sum(-1).min() < 30


@pytest.mark.parametrize("channels", [1, 3])
def test_poisons_show_base_noise_around_grey_and_poison(channels):
    base = torch.full((2, channels, 4, 4), 0.25)
    noise = torch.zeros_like(base)
    noise[0, :, 0, 0], noise[0, :, 0, 1] = 0.05, -0.05
    figure = pictures.poisons(PoisonImages(base, base + noise, ["cat", "dog"]))
    shown = np.array([axis.images[0].get_array() for axis in figure.axes]).reshape(3, 2, 4, 4, channels)
    factor = pictures.amplification(noise)
    assert np.allclose(shown[0], 0.25)
    assert np.allclose(shown[1, 1], 0.5)
    assert np.allclose(shown[1, 0, 0, 0], min(1, 0.5 + 0.05 * factor))
    assert np.allclose(shown[1, 0, 0, 1], max(0, 0.5 - 0.05 * factor), atol=1e-6)
    assert np.allclose(shown[2, 0, 0, 0], 0.3)
    assert f"difference ×{factor:g}" in figure.axes[2].get_ylabel()
    assert [axis.get_title() for axis in figure.axes[:2]] == ["cat", "dog"]


@pytest.mark.parametrize(("deviation", "factor"), [(0.14, 1), (0.01, 20), (1e-6, 1), (0.0, 1)])
def test_noise_is_amplified_to_be_seen(deviation, factor):
    noise = deviation * torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert pictures.amplification(noise) == factor


def test_poisons_outside_the_range_of_pixels_are_drawn_at_its_end():
    base = torch.ones(1, 3, 2, 2)
    figure = pictures.poisons(PoisonImages(base, base + 5, ["cat"]))
    assert figure.axes[2].images[0].get_array().max() == 1


def test_render_gives_the_pixels_of_the_figure():
    figure = Figure(figsize=(2, 1), dpi=50, facecolor="red")
    pixels = pictures.render(figure)
    assert pixels.shape == (50, 100, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == [255, 0, 0]).all()


@pytest.mark.parametrize(
    ("base", "poison", "labels", "message"),
    [
        ((2, 2, 4, 4), (2, 2, 4, 4), 2, "base must be"),
        ((3, 4, 4), (3, 4, 4), 3, "base must be"),
        ((2, 3, 4, 4), (2, 3, 4, 5), 2, "poison must be"),
        ((2, 3, 4, 4), (2, 3, 4, 4), 1, "labels must be 2"),
        ((0, 3, 4, 4), (0, 3, 4, 4), 0, "at least 1"),
    ],
)
def test_images_that_do_not_fit_are_refused(base, poison, labels, message):
    with pytest.raises(ValueError, match=message):
        PoisonImages(torch.zeros(base), torch.zeros(poison), ["x"] * labels)
