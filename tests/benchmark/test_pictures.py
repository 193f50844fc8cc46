"""What of a crafted poison is handed to the pictures."""

from types import SimpleNamespace

import pytest
import torch

from benchmark import pictures
from benchmark.pictures import SHOWN_POISONS, _images
from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import CraftConfig, craft
from datamodules import ForgetPolicy

SPEC = CorpusSpec("digits", train_size=300)


def _shown(folder, name, **options):
    config = CraftConfig(SPEC, PoisonSpec(name, options), ForgetPolicy(), 0)
    craft(config, None, (), folder)
    return _images(SPEC.load(), SimpleNamespace(folder=folder))


def test_a_changed_label_is_shown_before_and_after(tmp_path):
    images = _shown(tmp_path, "label-swap", count=20, classes=(1, 8))

    assert len(images.labels) == SHOWN_POISONS
    assert set(images.labels) <= {"1\n→ 8", "8\n→ 1"}
    torch.testing.assert_close(images.poison, images.base, rtol=0, atol=1e-5)


def test_a_label_that_stays_is_shown_once(tmp_path):
    images = _shown(tmp_path, "sinusoid", count=9, target_class=7, frequency=2)

    assert images.labels == ["7"] * SHOWN_POISONS


@pytest.mark.parametrize("size", [1, 3])
def test_base_and_poison_differ_by_the_trigger(tmp_path, size):
    images = _shown(tmp_path, "badnets", count=20, size=size)

    assert (images.poison[:, :, -size:, -size:] - 1).abs().max() < 1e-5
    same = (images.poison - images.base).abs() < 1e-5
    same[:, :, -size:, -size:] = True
    assert same.all()


def test_flat_lines_are_drawn_anew_where_they_have_to_reach_farther(tmp_path, monkeypatch):
    drawn = []

    def draw(_view, folder):
        drawn.append(folder)
        (folder / "s" / "seed0" / "poisoned").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(pictures, "_view", lambda *_: None)
    monkeypatch.setattr(pictures, "write_training", draw)
    models = {name: (name, f"{name} score") for name in ("poisoned", "retrain", "second_retrain")}
    artifacts = {f"{name} score": SimpleNamespace(address=name) for name in models}
    for budget in (0.02, 0.02, 0.1):
        cell = SimpleNamespace(seed=0, models=models, runs={(budget, "gd"): ("unlearned", "its score")})
        pictures.write_pictures("s", cell, [], artifacts, tmp_path)
    assert len(drawn) == 2
