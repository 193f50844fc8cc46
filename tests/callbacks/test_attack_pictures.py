"""Pictures of attacks hold what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from callbacks.tensorboard import CraftingCurves, Probe, TrainingRun, attacks

BAR = (attacks.WANTED, attacks.TRUE, attacks.OTHERS)


def probe(versions: int, channels: int = 3) -> Probe:
    """Three images of classes 0, 1, 2 that are to be taken for 1, 2, 3, in several versions."""
    return Probe(
        name="targets",
        key="said",
        images=torch.linspace(0, 1, versions * 3 * channels * 16).view(versions, 3, channels, 4, 4),
        versions=[f"version {number}" for number in range(versions)],
        labels=["a", "b", "c"],
        true=torch.tensor([0, 1, 2]),
        wanted=torch.tensor([1, 2, 3]),
    )


def says(*shape: int, seed: int = 0) -> TrainingRun:
    said = torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return TrainingRun(scores={}, arrays={"said": said / said.sum(-1, keepdim=True)}, passes=1.0)


def test_probabilities_are_those_of_the_wanted_and_the_true_class():
    network = says(2, 5, 4)  # of more images than are shown
    wanted, true = probe(2).probabilities(network)
    said = network.arrays["said"]
    for version in range(2):
        for column in range(3):
            assert true[version, column] == said[version, column, column]
            assert wanted[version, column] == said[version, column, column + 1]
    assert probe(1).probabilities(TrainingRun(scores={}, passes=1.0)) is None
    lost = TrainingRun(scores={}, arrays={"said": torch.full((1, 3, 4), math.nan)}, passes=1.0)
    assert probe(1).probabilities(lost) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_answers_stand_below_the_image_they_are_about(channels):
    shown = probe(2, channels)
    networks = {"poisoned": says(2, 3, 4), "GD": says(2, 3, 4, seed=1), "retrain": TrainingRun(scores={}, passes=1.0)}
    figure = attacks.answers(shown, networks)
    axes = np.array(figure.axes).reshape(2, 2, 3)
    for version, column in np.ndindex(2, 3):
        above, below = axes[version, :, column]
        image = shown.images[version, column].permute(1, 2, 0)
        assert np.allclose(above.images[0].get_array(), image.squeeze(2) if channels == 1 else image)
        for row, name in enumerate(("poisoned", "GD")):
            wanted, true = shown.probabilities(networks[name])
            whole, left, right = below.patches[3 * row : 3 * row + 3]
            assert (whole.get_x(), whole.get_width()) == (0, 1)
            assert left.get_x() == 0
            assert left.get_width() == pytest.approx(float(wanted[version, column]))
            assert right.get_width() == pytest.approx(float(true[version, column]))
            assert right.get_x() + right.get_width() == pytest.approx(1)
            assert {round(bar.get_y() + bar.get_height() / 2, 6) for bar in (whole, left, right)} == {row}
            assert f"{float(wanted[version, column]):.2f}" in [text.get_text() for text in below.texts]
        assert len(below.patches) == 6
        assert below.texts[-1].get_text() == "diverged"
    assert [axis.get_title() for axis in axes[0, 0]] == ["a", "b", "c"]
    assert [axis.get_ylabel() for axis in axes[:, 0, 0]] == ["version 0", "version 1"]
    assert [label.get_text() for label in axes[1, 1, 0].get_yticklabels()] == list(networks)
    low, high = axes[0, 1, 0].get_ylim()
    assert low > high  # the first network is at the top


def test_parts_of_a_bar_are_told_apart_in_grey():
    shades = [np.dot([int(color[at : at + 2], 16) for at in (1, 3, 5)], [0.299, 0.587, 0.114]) for color in BAR]
    assert min(np.diff(sorted(shades))) > 40


def test_crafting_has_a_line_for_each_pair_named_in_the_order_of_their_ends():
    values = torch.tensor([[0.9, 0.5, 0.2], [0.8, 0.7, 0.6], [1.0, 0.4, 0.3]])
    figure = attacks.crafting(CraftingCurves("matching loss", values, ["one", "two", "three"]))
    (axis,) = figure.axes
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["two: 0.600", "three: 0.300", "one: 0.200"]
    drawn = {line.get_label(): line for line in axis.lines if not str(line.get_label()).startswith("_")}
    for name, row in zip(names, (1, 2, 0), strict=True):
        assert drawn[name].get_xdata().tolist() == [0, 1, 2]
        assert drawn[name].get_ydata() == pytest.approx(values[row].numpy())
    assert len({line.get_linestyle() for line in drawn.values()}) == 3
    assert (axis.get_yscale(), axis.get_ylabel()) == ("linear", "matching loss")
    assert axis.get_ylim()[0] == 0


@pytest.mark.parametrize(("last", "scale"), [(0.001, "log"), (0.09, "log"), (0.11, "linear"), (0.7, "linear")])
def test_crafting_has_a_logarithmic_axis_where_it_spans_decades(last, scale):
    figure = attacks.crafting(CraftingCurves("left", torch.tensor([[1.0, 0.9, last]]), ["all"], logarithmic=True))
    assert figure.axes[0].get_yscale() == scale
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [f"all: {last}"]


@pytest.mark.parametrize(("values", "labels"), [((3,), 3), ((2, 4), 3), ((0, 4), 0)])
def test_curves_that_do_not_fit_are_refused(values, labels):
    with pytest.raises(ValueError, match=rf"values must be \({labels}, steps"):
        CraftingCurves("loss", torch.zeros(values), ["x"] * labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(1, 3, 2, 4, 4)}, "images must be"),
        ({"images": torch.zeros(2, 3, 3, 4, 4)}, "images must be"),
        ({"images": torch.zeros(3, 3, 4, 4)}, "images must be"),
        ({"true": torch.zeros(2, dtype=torch.int64)}, "true and wanted must be 3 long"),
        ({"wanted": torch.zeros(4, dtype=torch.int64)}, "true and wanted must be 3 long"),
    ],
)
def test_a_probe_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(probe(1), **change)
