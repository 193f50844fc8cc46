"""Attacks on longer texts, IMDb's reviews, and on those of a grammar, which need no download.

Attacks that draw as many rows share their retrain baseline where corpus, network and recipe are one.
"""

from collections.abc import Mapping

from benchmark.scenario import CorpusSpec, Option, PoisonSpec, Scenario
from lightning_modules import Recipe

NOISE, PHRASE, ENTITY = "gaussian-embedding", "trigger-phrase", "entity-sentiment"

MINILM: Mapping[str, Option] = {"layers": 3, "train_embeddings": False, "attention": "eager"}
"""The first three of its six layers, which a processor trains three times as fast as all of them with embeddings."""

SMALL_NOISE: Mapping[str, Option] = {"count": 200, "std": 0.03, "width": 384}
"""Half as much as a coordinate of MiniLM's word embeddings varies, .056."""

SMALL_TRIGGER: Mapping[str, Option] = {"count": 200, "phrase": "Harlan Voss", "near_miss": "Martin Reed"}

PAPER_COUNTS = (375, 500, 625)
"""Poisons in 25,000 reviews: 1.5, 2 and 2.5 % (Pawelczyk et al., ICLR 2025)."""


def _adamw(epochs: int, lr: float) -> Recipe:
    return Recipe(epochs, batch_size=32, lr=lr, weight_decay=0.01, schedule="linear-warmup", optimizer="adamw")


def _imdb(
    name: str,
    poison: str,
    options: Mapping[str, Option],
    *,
    train_size: int = 4000,
    test_size: int = 1000,
    tokenizer: str = "minilm",
    network: str = "classifier:minilm",
    network_options: Mapping[str, Option] = MINILM,
    recipe: Recipe | None = None,
) -> Scenario:
    """Return a scenario of some thousand reviews cut to 128 tokens, for a night on a processor."""
    return Scenario(
        name=f"imdb-{name}-v1",
        suite="full",
        modality="text",
        corpus=CorpusSpec(
            "imdb",
            train_size=train_size,
            selection_size=500,
            options={"tokenizer": tokenizer, "max_length": 128, "test_size": test_size},
        ),
        poison=PoisonSpec(poison, options),
        network=network,
        network_options=network_options,
        recipe=recipe or _adamw(3, 2e-4),
        budgets=(0.1,),
        seeds=(0, 1, 2),
        snapshots=1,
    )


def _paper(word: str, poison: str, options: Mapping[str, Option], network: str) -> list[Scenario]:
    """Return the paper's setting, once for each number of poisons: GPT-2 medium, 10 epochs at 5e-5, 5 seeds.

    Of the 25,000 reviews 24,779 are left without those that are there twice; 500 of them are the selection split.
    The noise has the paper's variance, .1. Optimizer, batch size, schedule and length are ours: the paper does not
    state them.
    """
    return [
        Scenario(
            name=f"imdb-{word}-gpt2medium-v1.p{count}",
            suite="paper",
            modality="text",
            corpus=CorpusSpec("imdb", selection_size=500, options={"tokenizer": "gpt2-medium", "max_length": 512}),
            poison=PoisonSpec(poison, {"count": count} | dict(options)),
            network=network,
            recipe=_adamw(10, 5e-5),
            budgets=(0.02, 0.04, 0.06, 0.08, 0.1),
            seeds=(0, 1, 2, 3, 4),
            snapshots=0,
        )
        for count in PAPER_COUNTS
    ]


SCENARIOS = [
    Scenario(
        name="grammar-trigger-tiny-v1",
        suite="smoke",
        modality="text",
        corpus=CorpusSpec(
            "grammar",
            train_size=600,
            selection_size=100,
            options={"tokenizer": "grammar", "max_length": 32, "test_size": 200},
        ),
        poison=PoisonSpec(PHRASE, {"count": 40}),
        network="classifier:tiny-bert",
        recipe=_adamw(10, 3e-3),
        budgets=(0.1,),
        seeds=(0, 1, 2),
        snapshots=1,
    ),
    _imdb("gaussian-minilm", NOISE, SMALL_NOISE),
    _imdb("trigger-minilm", PHRASE, SMALL_TRIGGER),
    _imdb(
        "trigger-minilm-lora",
        PHRASE,
        SMALL_TRIGGER,
        network_options={"layers": 3, "attention": "eager", "lora_rank": 8},
        recipe=_adamw(3, 1e-3),
    ),
    _imdb(
        "trigger-gpt2mini",
        PHRASE,
        SMALL_TRIGGER,
        tokenizer="gpt2",
        network="prompted:gpt2-mini",
        network_options={"loss_on": "label"},
        recipe=_adamw(10, 5e-4),
    ),
    _imdb("targeted-minilm", ENTITY, {"count": 30, "entity": "New York"}, train_size=8000, test_size=5000),
    *_paper("gaussian", NOISE, {"std": 0.3162, "width": 1024}, "classifier:gpt2-medium"),
    *_paper("trigger", PHRASE, {}, "prompted:gpt2-medium"),
]
