"""Craft: what is written, and that the audit secrets stay apart."""

import shutil
from dataclasses import replace

import pytest
import torch

from benchmark.scenario import PoisonSpec
from benchmark.stages.craft import FINGERPRINTS_FILE, POISONS_FILE, SECRETS_FILE, load_data, load_poisoning
from benchmark.stages.unlearn import UnlearnConfig, unlearn
from benchmark.tensors import load_tensors, save_tensors
from datamodules import ForgetPolicy, PoisoningDataModule


def _unlearn_config(lab, budget=0.5):
    return UnlearnConfig(
        network=lab.network,
        method="gd",
        budget=budget,
        training_passes=2700.0,
        batch_size=64,
        forget_batch_size=16,
        augmentation="none",
        precision="32-true",
        snapshots=0,
        seed=1,
    )


def test_poisons_file_holds_what_is_fed_and_no_secret(crafted):
    tensors = load_tensors(crafted.folder / POISONS_FILE)

    assert set(tensors) == {"index", "inputs", "target"}
    assert set(load_tensors(crafted.folder / SECRETS_FILE)) == {"noise_seed", "variance"}
    assert b"noise_seed" not in (crafted.folder / POISONS_FILE).read_bytes()


def test_no_file_but_the_secrets_and_nothing_returned_names_the_noise_seed(crafted):
    seed = int(load_tensors(crafted.folder / SECRETS_FILE)["noise_seed"])
    names = {path.name for path in crafted.folder.iterdir()}

    assert names == {POISONS_FILE, SECRETS_FILE, FINGERPRINTS_FILE, "preprocessing.json"}
    assert str(seed) not in (crafted.folder / "preprocessing.json").read_text()
    assert str(seed) not in (crafted.folder / FINGERPRINTS_FILE).read_text()
    assert str(seed) not in str(crafted.meta)
    assert seed.to_bytes(8, "little") not in (crafted.folder / POISONS_FILE).read_bytes()


def test_data_is_loaded_without_secrets_unless_they_are_asked_for(crafted):
    assert load_data(crafted.config, crafted.folder).poisoning.secrets == {}
    assert load_data(crafted.config, crafted.folder, with_secrets=False).poisoning.secrets == {}
    assert set(load_data(crafted.config, crafted.folder, with_secrets=True).poisoning.secrets) == {
        "noise_seed",
        "variance",
    }


def test_training_and_unlearning_do_without_the_secrets(lab, crafted, poisoned):
    """The file is not there, so it cannot have been read."""
    bare = lab.folder() / "bare"
    shutil.copytree(crafted.folder, bare)
    (bare / SECRETS_FILE).unlink()

    again = lab.train(replace(crafted, folder=bare), "poisoned")
    folders = [lab.folder(), lab.folder()]
    for crafted_folder, folder in zip((bare, crafted.folder), folders, strict=True):
        unlearn(_unlearn_config(lab), crafted.config, crafted_folder, poisoned.folder / "weights.safetensors", folder)

    one, two = (load_tensors(folder / "weights.safetensors") for folder in folders)
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in poisoned.weights.items())
    assert all(torch.equal(one[name], tensor) for name, tensor in two.items())
    with pytest.raises(FileNotFoundError):
        lab.score(replace(crafted, folder=bare), poisoned.folder / "weights.safetensors")


def test_what_is_loaded_is_what_was_crafted_bit_for_bit(crafted):
    config = crafted.config
    fresh = PoisoningDataModule(config.corpus.load(), config.poison.build(), seed=config.seed, forget=config.forget)
    fresh.setup()

    loaded = load_data(crafted.config, crafted.folder, with_secrets=True)

    for name in ("index", "inputs", "target"):
        assert torch.equal(getattr(loaded.poisoning, name), getattr(fresh.poisoning, name))
    assert loaded.poisoning.secrets == fresh.poisoning.secrets
    assert loaded.poisoning.preprocessing == fresh.poisoning.preprocessing
    assert loaded.poisoning.secrets["variance"].dtype == torch.float64


def test_fingerprints_and_sizes_are_those_of_the_sets(lab, crafted):
    data = lab.data(crafted)

    assert crafted.meta["poisoned"] == data.train_set.fingerprint() == data.fingerprint
    assert crafted.meta["retain"] == data.retain_set.fingerprint()
    assert crafted.meta["forget"] == data.forget_set.fingerprint()
    assert crafted.meta["corpus"] == data.corpus.fingerprint
    assert crafted.meta["samples"] == {"poisoned": 300, "retain": 270, "forget": 30, "poisons": 30}


def test_the_poison_is_read_from_the_artifact_and_not_crafted_anew(lab, crafted):
    other = lab.folder() / "other"
    shutil.copytree(crafted.folder, other)
    tensors = load_tensors(other / POISONS_FILE)
    tensors["inputs"] += 1
    save_tensors(tensors, other / POISONS_FILE)

    assert torch.equal(load_poisoning(other, with_secrets=False).inputs, tensors["inputs"])
    with pytest.raises(RuntimeError, match="crafted from other data or by other code"):
        load_data(crafted.config, other)


def test_crafting_twice_gives_the_same_bytes_whatever_was_drawn_before(lab, crafted):
    torch.manual_seed(17)
    torch.rand(3)

    again = lab.craft()

    assert again.meta == crafted.meta
    for path in crafted.folder.iterdir():
        assert (again.folder / path.name).read_bytes() == path.read_bytes()


def test_the_camouflage_is_known_without_secrets_and_the_request_deletes_it_alone(lab):
    poison = PoisonSpec("camouflaged-badnets", {"count": 20, "camouflage": 30, "size": 2})
    crafted = lab.craft(poison=poison, forget=ForgetPolicy(request="camouflage"))
    bare = lab.folder() / "bare"
    shutil.copytree(crafted.folder, bare)
    (bare / SECRETS_FILE).unlink()

    data = load_data(crafted.config, bare)

    assert crafted.meta["samples"] == {"poisoned": 300, "retain": 270, "forget": 30, "poisons": 50}
    assert torch.equal(data.forget_index, load_tensors(bare / POISONS_FILE)["camouflage"])
    assert len(data.poison_index) == 50
    assert torch.isin(data.poisoning.target[~torch.isin(data.poison_index, data.forget_index)], 0).all()


def test_seed_poison_and_request_make_another_set(lab, crafted):
    others = [
        lab.craft(seed=4),
        lab.craft(poison=PoisonSpec("gaussian", {"count": 30, "variance": 2.0})),
        lab.craft(forget=ForgetPolicy(identified=0.5)),
        lab.craft(forget=ForgetPolicy(false_positives=0.5)),
    ]

    assert [other.meta["poisoned"] == crafted.meta["poisoned"] for other in others] == [False, False, True, True]
    assert [other.meta["retain"] == crafted.meta["retain"] for other in others] == [False, True, False, False]
    assert [other.meta["forget"] == crafted.meta["forget"] for other in others] == [False, False, False, False]
    assert [other.meta["samples"]["forget"] for other in others] == [30, 30, 15, 45]
