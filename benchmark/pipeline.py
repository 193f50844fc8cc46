"""The pipeline of one scenario and seed, as tasks: craft, train, unlearn, score."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.calls import Call, craft_call, score_call, sham_call, surrogate_call, train_call, unlearn_call
from benchmark.graph import Task
from benchmark.methods import SHAM_MODEL, Method, default_method, fitted
from benchmark.scenario import Scenario
from benchmark.stages.craft import CraftConfig
from benchmark.stages.score import ScoreConfig
from benchmark.stages.sham import ShamConfig
from benchmark.stages.train import TrainConfig, TrainOn, device_type
from benchmark.stages.unlearn import UnlearnConfig
from benchmark.store import Artifact
from datamodules import Corpus, derive_seed
from lightning_modules import NetworkSpec, Recipe, resolve_precision

MODELS: dict[str, tuple[TrainOn, str]] = {
    "poisoned": ("poisoned", "train"),
    "retrain": ("retain", "train"),
    "second_retrain": ("retain", "second-retrain"),
}
"""The three trained networks of a seed: what they are trained on, and the stream of their seed."""


@dataclass(frozen=True)
class Cell:
    """Keys of the tasks of one seed of a scenario.

    Attributes:
        scenario: the scenario.
        seed: the seed.
        crafted: key of the crafted poison.
        models: keys of (trained network, its score) by name, see :data:`MODELS`.
        runs: keys of (unlearned network, its score) by budget and method name; the sham is among them.
    """

    scenario: Scenario
    seed: int
    crafted: str
    models: Mapping[str, tuple[str, str]]
    runs: Mapping[tuple[float, str], tuple[str, str]]


@dataclass(frozen=True)
class _Builder:
    scenario: Scenario
    corpus_fingerprint: str
    network: NetworkSpec
    recipe: Recipe
    seed: int
    max_train_steps: int | None

    @classmethod
    def of(cls, scenario: Scenario, corpus: Corpus, seed: int, max_train_steps: int | None = None) -> "_Builder":
        precision = resolve_precision(scenario.recipe.precision, device_type())
        recipe = dataclasses.replace(scenario.recipe, precision=precision)
        return cls(scenario, corpus.fingerprint, scenario.network_spec(corpus), recipe, seed, max_train_steps)

    @property
    def craft_config(self) -> CraftConfig:
        return CraftConfig(self.scenario.corpus, self.scenario.poison, self.scenario.forget, self.seed)

    def key(self, *parts: str) -> str:
        return " / ".join((self.scenario.name, f"seed {self.seed}", *parts))

    def craft(self) -> Task:
        keys = tuple(task.key for task in self.surrogates())
        network = self.network if keys else None

        def prepare(needs: Mapping[str, Artifact]) -> Call:
            trained = [needs[key] for key in keys]
            return craft_call(self.craft_config, self.corpus_fingerprint, network, trained)

        return Task(self.key("craft"), "craft", keys, prepare)

    def surrogates(self) -> list[Task]:
        """Trainings on clean data that crafting needs: none for most poisons."""
        poison = self.scenario.poison.build()
        if not poison.needs_surrogate:
            return []
        recipe = dataclasses.replace(self.recipe, epochs=poison.surrogate_epochs or self.recipe.epochs)
        return [self.surrogate(number, recipe) for number in range(poison.num_surrogates)]

    def surrogate(self, number: int, recipe: Recipe) -> Task:
        seed = derive_seed("surrogate", number, self.seed)
        config = TrainConfig(self.network, recipe, seed, self.max_train_steps)

        def prepare(_: Mapping[str, Artifact]) -> Call:
            return surrogate_call(config, self.craft_config, self.corpus_fingerprint)

        return Task(self.key("train", f"surrogate {number}"), "train", (), prepare)

    def train(self, name: str) -> Task:
        train_on, stream = MODELS[name]
        config = TrainConfig(self.network, self.recipe, derive_seed(stream, self.seed), self.max_train_steps)
        crafted = self.key("craft")

        def prepare(needs: Mapping[str, Artifact]) -> Call:
            return train_call(config, needs[crafted], self.craft_config, train_on)

        return Task(self.key("train", name), "train", (crafted,), prepare)

    def unlearn(self, method: Method, budget: float, row: str | None = None) -> Task:
        poisoned, crafted = self.key("train", "poisoned"), self.key("craft")

        def prepare(needs: Mapping[str, Artifact]) -> Call:
            config = UnlearnConfig(
                network=self.network,
                method=method.reference,
                hyperparameters=method.hyperparameters,
                budget=budget,
                training_passes=needs[poisoned].meta["passes"],
                batch_size=self.recipe.batch_size,
                forget_batch_size=self.scenario.forget_batch_size,
                augmentation=self.recipe.augmentation,
                precision=self.recipe.precision,
                snapshots=self.scenario.snapshots,
                seed=derive_seed("unlearn", self.seed),
            )
            return unlearn_call(config, needs[poisoned], needs[crafted], self.craft_config, method.submission)

        return Task(self.key(row or f"unlearn {method.name}", percent(budget)), "unlearn", (poisoned, crafted), prepare)

    def sham(self, budget: float) -> Task:
        poisoned = self.key("train", "poisoned")
        moved = self.key("sham model", percent(budget))

        def prepare(needs: Mapping[str, Artifact]) -> Call:
            return sham_call(ShamConfig(derive_seed("sham", self.seed)), needs[poisoned], needs[moved])

        return Task(self.key("sham", percent(budget)), "sham", (poisoned, moved), prepare)

    def score(self, model: Task) -> Task:
        crafted = self.key("craft")

        def prepare(needs: Mapping[str, Artifact]) -> Call:
            passes = tuple(snapshot["passes"] for snapshot in needs[model.key].meta.get("snapshots", ()))
            config = ScoreConfig(self.network, passes)
            return score_call(config, needs[model.key], needs[crafted], self.craft_config)

        return Task(f"{model.key} / score", "score", (model.key, crafted), prepare)


def build_tasks(
    scenario: Scenario,
    corpus: Corpus,
    methods: list[Method],
    budgets: tuple[float, ...],
    seeds: tuple[int, ...],
    *,
    max_train_steps: int | None = None,
) -> tuple[list[Task], list[Cell]]:
    """Return the tasks of a scenario, and for each seed the keys under which their artifacts will be found.

    Args:
        scenario: what is held fixed.
        corpus: its data; only fingerprint and shapes are used here.
        methods: the unlearners; a sham is added for each budget.
        budgets: fractions of the poisoned model's training.
        seeds: which seeds.
        max_train_steps: cut every training short, for a try on a small machine.
    """
    tasks: list[Task] = []
    cells: list[Cell] = []
    for seed in seeds:
        found, cell = _seed_tasks(_Builder.of(scenario, corpus, seed, max_train_steps), methods, budgets)
        tasks += found
        cells.append(cell)
    return tasks, cells


def craft_tasks(scenario: Scenario, corpus: Corpus, seed: int) -> list[Task]:
    """Return the tasks that craft the poison of one seed; the crafting itself is the last."""
    builder = _Builder.of(scenario, corpus, seed)
    return [*builder.surrogates(), builder.craft()]


def _seed_tasks(builder: _Builder, methods: list[Method], budgets: tuple[float, ...]) -> tuple[list[Task], Cell]:
    trainings = {name: builder.train(name) for name in MODELS}
    runs = {(budget, method.name): builder.unlearn(method, budget) for budget in budgets for method in methods}
    runs |= {(budget, "sham"): builder.sham(budget) for budget in budgets}
    sham = fitted(default_method(SHAM_MODEL), builder.scenario.lr_factor)
    sham_models = [builder.unlearn(sham, budget, "sham model") for budget in budgets]
    scored = [*trainings.values(), *runs.values()]
    scores = {task.key: builder.score(task) for task in scored}
    tasks = [
        *builder.surrogates(),
        builder.craft(),
        *trainings.values(),
        *sham_models,
        *runs.values(),
        *scores.values(),
    ]
    cell = Cell(
        scenario=builder.scenario,
        seed=builder.seed,
        crafted=builder.key("craft"),
        models={name: (task.key, scores[task.key].key) for name, task in trainings.items()},
        runs={key: (task.key, scores[task.key].key) for key, task in runs.items()},
    )
    return tasks, cell


def percent(budget: float) -> str:
    """Return a budget as text: 0.025 is ``2.5 %``."""
    return f"{100 * budget:g} %"
