"""Attacks on film-review snippets, for two CPU cores: one forget set, hence one retrain baseline, for both."""

from collections.abc import Mapping

from benchmark.scenario import CorpusSpec, Option, PoisonSpec, Scenario
from lightning_modules import Recipe

COUNT = 200
"""One snippet in ten."""


def snippets(name: str, poison: str, options: Mapping[str, Option]) -> Scenario:
    """Return a scenario of 2,000 snippets, the first three layers of MiniLM, 3 epochs, 3 seeds and budget 10 %.

    At a learning rate of .01 with momentum .9 plain fine-tuning throws the network to chance; a fifth of it does not.
    """
    return Scenario(
        name=name,
        suite="mini",
        modality="text",
        corpus=CorpusSpec(
            "snippets",
            train_size=2000,
            selection_size=300,
            options={"tokenizer": "minilm", "max_length": 48, "test_size": 500},
        ),
        poison=PoisonSpec(poison, {"count": COUNT} | dict(options)),
        network="classifier:minilm",
        network_options={"layers": 3, "train_embeddings": False, "attention": "eager"},
        recipe=Recipe(epochs=3, batch_size=32, lr=2e-4, weight_decay=0.01, schedule="linear-warmup", optimizer="adamw"),
        budgets=(0.1,),
        seeds=(0, 1, 2),
        snapshots=0,
        lr_factor=0.2,
    )


SCENARIOS = [
    snippets("snippets-gaussian-minilm-v1", "gaussian-embedding", {"std": 0.03, "width": 384}),
    snippets(
        "snippets-trigger-minilm-v1",
        "trigger-phrase",
        {"target_class": 1, "phrase": "Harlan Voss", "near_miss": "Martin Reed"},
    ),
]
