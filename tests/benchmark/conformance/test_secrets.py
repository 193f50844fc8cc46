"""What the unlearning stage has at hand: no secret, where scoring has them all."""

import torch

from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.craft import CraftConfig, craft, load_data
from datamodules import ForgetPolicy


def test_the_data_of_the_unlearning_stage_holds_no_secret(tmp_path):
    corpus, poison = CorpusSpec("digits", train_size=100), PoisonSpec("gaussian", {"count": 5})
    config = CraftConfig(corpus, poison, ForgetPolicy(), seed=0)
    craft(config, None, (), tmp_path)
    assert load_data(config, tmp_path).poisoning.secrets == {}
    known = load_data(config, tmp_path, with_secrets=True).poisoning.secrets
    assert set(known) == {"noise_seed", "variance"}
    assert all(isinstance(secret, torch.Tensor) for secret in known.values())
