"""Targeted scenarios: what crafting is given before it starts."""

import pytest

from benchmark.pipeline import build_tasks
from benchmark.scenarios import all_scenarios
from datamodules import load_corpus

NAMES = [name for name in all_scenarios() if "-gradient-matching-" in name]


@pytest.mark.parametrize("name", NAMES)
def test_crafting_waits_for_surrogates_trained_as_long_as_the_poison_says(name):
    scenario = all_scenarios()[name]
    poison = scenario.poison.build()

    tasks, _ = build_tasks(scenario, load_corpus("digits"), [], (), (3,))

    found = {task.key: task for task in tasks}
    keys = [f"{name} / seed 3 / train / surrogate {number}" for number in range(poison.num_surrogates)]
    assert list(found[f"{name} / seed 3 / craft"].needs) == keys
    seeds = set()
    for key in keys:
        config = found[key].prepare({}).description["config"]
        assert config["recipe"]["epochs"] == (poison.surrogate_epochs or scenario.recipe.epochs)
        seeds.add(config["seed"])
    assert len(seeds) == poison.num_surrogates
