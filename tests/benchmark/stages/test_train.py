"""Train: the poisoned model and the retrain baseline, which nothing but the retain set may reach."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from benchmark.calls import train_call
from benchmark.scenario import PoisonSpec
from benchmark.stages import craft as craft_stage
from benchmark.stages import train as train_stage
from benchmark.stages.craft import FINGERPRINTS_FILE, POISONS_FILE
from benchmark.store import Artifact
from benchmark.tensors import load_tensors, save_tensors
from datamodules import BatchLoader, ForgetPolicy, ImageStore, SampleSet, derive_seed
from datamodules.augmentation import build_augmentation
from lightning_modules import build_network, lr_factor


def _same(one, two):
    return set(one) == set(two) and all(torch.equal(tensor, two[name]) for name, tensor in one.items())


def _clean_rows(corpus, rows):
    store = ImageStore.clean(corpus.train.inputs, corpus.mean, corpus.std)
    return SampleSet(store, rows, corpus.train.target[rows])


def _by_hand(config, samples):
    """Train in a plain loop and return the weights."""
    recipe = config.recipe
    network = build_network(config.network, derive_seed("weights", config.seed))
    loader = BatchLoader(
        samples,
        recipe.batch_size,
        seed=derive_seed("order", config.seed),
        augment=build_augmentation(recipe.augmentation),
    )
    optimizer = torch.optim.SGD(
        network.parameters(),
        recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    step, steps = 0, recipe.epochs * len(loader)
    for epoch in range(recipe.epochs):
        loader.set_epoch(epoch)
        for batch in loader:
            optimizer.param_groups[0]["lr"] = recipe.lr * lr_factor(recipe.schedule, step, steps)
            optimizer.zero_grad()
            F.cross_entropy(network(batch.inputs), batch.target).backward()
            optimizer.step()
            step += 1
    return network.state_dict()


def _stays(lab, crafted):
    poisons = set(load_tensors(crafted.folder / POISONS_FILE)["index"].tolist())
    return torch.tensor([row for row in range(300) if row not in poisons])


def test_the_retrain_baseline_is_training_on_the_clean_rows_that_stay_bit_for_bit(lab, crafted, retrain):
    corpus = crafted.config.corpus.load()

    expected = _by_hand(retrain.config, _clean_rows(corpus, _stays(lab, crafted)))

    assert _same(retrain.weights, expected)


def test_the_poisoned_model_is_training_on_every_row_bit_for_bit(lab, crafted, poisoned):
    assert _same(poisoned.weights, _by_hand(poisoned.config, lab.data(crafted).train_set))


def test_augmented_training_is_that_of_the_loop_too(lab, crafted):
    made = lab.train(crafted, "retain", recipe=replace(lab.recipe, augmentation="flip-crop", epochs=1))

    corpus = crafted.config.corpus.load()
    assert _same(made.weights, _by_hand(made.config, _clean_rows(corpus, _stays(lab, crafted))))


def test_the_retrain_baseline_never_sees_a_poison(lab, crafted, retrain, monkeypatch):
    """Poisons that are not a number would spoil every weight they touch."""
    spoilt = lab.folder() / "spoilt"
    shutil.copytree(crafted.folder, spoilt)
    tensors = load_tensors(spoilt / POISONS_FILE)
    tensors["inputs"].fill_(float("nan"))
    save_tensors(tensors, spoilt / POISONS_FILE)
    monkeypatch.setattr(craft_stage, "_fingerprints", lambda _: json.loads((spoilt / FINGERPRINTS_FILE).read_text()))

    again = lab.train(replace(crafted, folder=spoilt), "retain")

    assert _same(again.weights, retrain.weights)
    assert again.meta["finite"]
    assert not lab.train(replace(crafted, folder=spoilt), "poisoned").meta["finite"]


def test_missed_poisons_and_false_positives_shape_the_retrain_baseline(lab):
    crafted = lab.craft(forget=ForgetPolicy(identified=0.5, false_positives=0.5))
    made, data = lab.train(crafted, "retain"), lab.data(crafted)

    index = data.retain_set.index
    assert len(index) == 300 - 15 - 15
    assert len(set(index.tolist()) & set(data.poison_index.tolist())) == 15
    assert _same(made.weights, _by_hand(made.config, data.train_set.subset(index)))


def test_the_retrain_baseline_is_the_same_whatever_else_is_around(lab, crafted, poisoned, retrain):
    """Another attack on the same rows, other random numbers, and the poisoned weights where its own will lie."""
    stronger = lab.craft(poison=PoisonSpec("gaussian", {"count": 30, "variance": 3.0}))
    torch.manual_seed(99)
    torch.rand(7)
    lab.train(crafted, "poisoned", recipe=replace(lab.recipe, epochs=1))
    folder = lab.folder()
    shutil.copy(poisoned.folder / "weights.safetensors", folder)
    lab.folder = lambda: folder

    again = lab.train(stronger, "retain")

    assert stronger.meta["poisoned"] != crafted.meta["poisoned"]
    assert _same(again.weights, retrain.weights)


def test_two_attacks_on_the_same_rows_share_one_retrain_baseline(lab, crafted, retrain):
    stronger = lab.craft(poison=PoisonSpec("gaussian", {"count": 30, "variance": 3.0}))

    def address(made, train_on, config=retrain.config):
        artifact = Artifact("craft", str(made.folder), made.folder, made.meta)
        return train_call(config, artifact, made.config, train_on).address

    assert address(stronger, "retain") == address(crafted, "retain")
    assert address(stronger, "poisoned") != address(crafted, "poisoned")
    others = [
        replace(retrain.config, seed=6),
        replace(retrain.config, max_steps=2),
        replace(retrain.config, recipe=replace(lab.recipe, lr=0.2)),
        replace(retrain.config, recipe=replace(lab.recipe, augmentation="flip-crop")),
        replace(retrain.config, recipe=replace(lab.recipe, precision="bf16-mixed")),
        replace(retrain.config, network=replace(lab.network, options={"width": 4, "strides": (1, 1, 1, 1, 1)})),
    ]
    addresses = {address(crafted, "retain", config) for config in others}
    assert len(addresses - {address(crafted, "retain")}) == len(others)


def test_poisoned_model_and_retrain_share_their_first_weights_and_then_part(
    lab, crafted, poisoned, retrain, monkeypatch
):
    monkeypatch.setattr(train_stage, "fit", lambda *_: None)

    first, second = lab.train(crafted, "poisoned"), lab.train(crafted, "retain")

    assert _same(first.weights, second.weights)
    assert _same(first.weights, build_network(lab.network, derive_seed("weights", 5)).state_dict())
    assert not _same(first.weights, lab.train(crafted, "retain", seed=6).weights)
    for name, tensor in poisoned.weights.items():
        if tensor.is_floating_point():
            assert not torch.equal(tensor, first.weights[name]), name
            assert not torch.equal(tensor, retrain.weights[name]), name


def test_every_training_visit_costs_three_passes(poisoned, retrain):
    assert poisoned.meta["passes"] == 3 * 3 * 300
    assert retrain.meta["passes"] == 3 * 3 * 270
    for made in (poisoned, retrain):
        assert made.meta["backward_passes"] == 2 * made.meta["forward_passes"]
        assert made.meta["passes"] == made.meta["forward_passes"] + made.meta["backward_passes"]
        assert made.meta["wall_clock_s"] > 0


def test_training_twice_gives_the_same_bytes(lab, crafted, poisoned):
    torch.manual_seed(1)

    again = lab.train(crafted, "poisoned")

    for name in ("weights.safetensors", "history.json"):
        assert (again.folder / name).read_bytes() == (poisoned.folder / name).read_bytes()


def test_seed_and_recipe_change_the_weights(lab, crafted, poisoned):
    for changes in ({"seed": 6}, {"recipe": replace(lab.recipe, lr=0.05)}):
        assert not _same(lab.train(crafted, "poisoned", **changes).weights, poisoned.weights)


def test_history_has_one_line_an_epoch_and_the_loss_falls(poisoned):
    history = json.loads((poisoned.folder / "history.json").read_text())

    assert [line["epoch"] for line in history] == [0, 1, 2]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert history[-1]["lr"] == pytest.approx(0, abs=1e-12)


def test_training_can_be_cut_short_and_its_schedule_ends_with_it(lab, crafted):
    cut = lab.train(crafted, "poisoned", max_steps=7)

    assert cut.meta["passes"] == 3 * (300 + 64 + 64)
    history = json.loads((cut.folder / "history.json").read_text())
    assert [line["epoch"] for line in history] == [0, 1]
    assert history[-1]["lr"] == pytest.approx(0, abs=1e-12)
