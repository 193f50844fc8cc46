"""What a method is given arrives as it was, and nothing else lies beside it."""

from dataclasses import replace

import torch

from benchmark.isolation.exchange import read_config, read_samples, write_request
from benchmark.stages.craft import load_data


def same_batches(one, other):
    positions = torch.arange(len(one))
    first, second = one.batch(positions), other.batch(positions)
    pairs = [(first.target, second.target), (first.index, second.index)]
    inputs = (first.inputs, second.inputs)
    pairs += [inputs] if torch.is_tensor(inputs[0]) else [(inputs[0][key], inputs[1][key]) for key in inputs[0]]
    return all(torch.equal(a, b) for a, b in pairs)


def check(world, place):
    data = load_data(world.craft, world.crafted)
    config = replace(world.config, hyperparameters={"lr": 0.1, "k": None, "mode": "x", "flag": True})
    write_request(place, config, world.weights, data.forget_set, data.retain_set)
    forget, retain = read_samples(place / "samples.safetensors")
    assert same_batches(forget, data.forget_set)
    assert same_batches(retain, data.retain_set)
    assert forget.fingerprint() == data.forget_set.fingerprint()
    assert retain.fingerprint() == data.retain_set.fingerprint()
    assert read_config(place) == config
    names = {path.name for path in place.iterdir()}
    assert names == {"config.json", "weights.safetensors", "samples.safetensors"}
    assert (place / "weights.safetensors").stat().st_ino != world.weights.stat().st_ino


def test_images(digits, tmp_path) -> None:
    check(digits, tmp_path)


def test_texts_with_noise_on_their_embeddings(texts, tmp_path) -> None:
    check(texts, tmp_path)
