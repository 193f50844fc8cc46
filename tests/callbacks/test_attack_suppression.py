"""The audit of camouflaged backdoors: the complement of the attack's success, measured on the same images."""

import torch
from torch import nn

from benchmark.stages import score
from callbacks import EFFECTS
from callbacks.effects.attack_success import AttackSuccess
from callbacks.effects.attack_suppression import AttackSuppression
from datamodules import POISONS, ForgetPolicy, PoisoningDataModule, load_corpus

TARGET = 4


def _data():
    poison = POISONS.get("camouflaged-badnets")(count=60, camouflage=240, target_class=TARGET)
    data = PoisoningDataModule(load_corpus("digits"), poison, seed=1, forget=ForgetPolicy(request="camouflage"))
    data.setup()
    return data


def _network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).eval()


def _scalars(network, data, effect=AttackSuppression):
    return score.measure(network, data, effect(data.corpus, data.poisoning), with_test=False)


def test_it_is_registered_under_the_name_that_the_poison_gives():
    assert EFFECTS.get(POISONS.get("camouflaged-badnets").effect) is AttackSuppression
    assert EFFECTS.get("attack_success") is AttackSuccess


def test_it_is_one_minus_the_success_and_all_else_stays():
    data, network = _data(), _network()
    network[3].bias.data[TARGET] = 0.3
    found, plain = _scalars(network, data), _scalars(network, data, AttackSuccess)

    assert 0 < plain["attack_success"] < 1
    assert found["attack_suppression"] == 1 - plain["attack_success"]
    assert found["backdoor/success"] == plain.pop("attack_success")
    assert {name: found[name] for name in plain} == plain
    assert found.keys() == plain.keys() | {"attack_suppression", "backdoor/success"}


def test_camouflage_hides_the_backdoor_and_its_deletion_switches_it_on():
    data = _data()
    found = {}
    for name, samples in (("poisoned", data.train_set), ("retrain", data.retain_set), ("clean", data.clean_set())):
        batch, network = samples.batch(torch.arange(len(samples))), _network()
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(batch.inputs), batch.target).backward()
            optimizer.step()
        found[name] = _scalars(network, data)["attack_suppression"]

    assert found["poisoned"] > found["retrain"] + 0.3
    assert found["clean"] > 0.8
