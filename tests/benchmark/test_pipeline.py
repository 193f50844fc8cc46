from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.calls import Call
from benchmark.graph import Task
from benchmark.methods import configured_method, default_method, default_methods, fitted
from benchmark.pipeline import build_tasks, percent
from benchmark.scenario import PoisonSpec, Scenario
from benchmark.scenarios import get_scenarios
from benchmark.store import Artifact
from datamodules import load_corpus

DIGITS = get_scenarios("digits-gaussian-cnn-v1")[0]


class Plan:
    """Calls of every task of one seed, prepared from made-up artifacts."""

    def __init__(self, scenario: Scenario, methods: tuple[str, ...] = ("gd", "ssd"), budget: float = 0.1) -> None:
        chosen = [default_method(name) for name in methods]
        self.tasks, (self.cell,) = build_tasks(scenario, load_corpus("digits"), chosen, (budget,), (0,))
        self.calls: dict[str, Call] = {}
        artifacts: dict[str, Artifact] = {}
        for task in self.tasks:
            call = task.prepare({need: artifacts[need] for need in task.needs})
            self.calls[task.key] = call
            artifacts[task.key] = Artifact(task.stage, call.address, Path("nowhere"), self.meta(task, call))

    def meta(self, task: Task, call: Call) -> Mapping[str, object]:
        if task.stage == "craft":
            options = dict(call.description["config"]["poison"]["options"])
            return {"poisoned": f"poisoned {options}", "retain": "retain", "forget": "forget", "corpus": "corpus"}
        return {"passes": 1000.0, "snapshots": [{"passes": 10.0}]}

    def address(self, part: str) -> str:
        (key,) = [key for key in self.calls if key.endswith(part)]
        return self.calls[key].address


def test_what_is_shared_and_what_is_not_between_two_attacks_on_one_forget_set() -> None:
    weak = Plan(DIGITS)
    strong = Plan(replace(DIGITS, poison=PoisonSpec("gaussian", {"count": 60, "variance": 2.0})))
    assert weak.address("train / retrain") == strong.address("train / retrain")
    assert weak.address("train / second_retrain") == strong.address("train / second_retrain")
    for part in (
        "craft",
        "train / poisoned",
        "unlearn gd / 10 %",
        "unlearn gd / 10 % / score",
        "train / retrain / score",
    ):
        assert weak.address(part) != strong.address(part)


def test_retrains_and_poisoned_model_are_three_different_trainings() -> None:
    plan = Plan(DIGITS)
    assert len({plan.address(f"train / {name}") for name in ("poisoned", "retrain", "second_retrain")}) == 3


def test_poisoned_model_and_retrain_have_matched_seeds() -> None:
    plan = Plan(DIGITS)
    configs = {key: call.description["config"] for key, call in plan.calls.items() if call.stage == "train"}
    poisoned, retrain, second = (
        configs[f"digits-gaussian-cnn-v1 / seed 0 / train / {name}"] for name in plan.cell.models
    )
    assert poisoned == retrain
    assert second["seed"] != retrain["seed"]
    assert {**second, "seed": 0} == {**retrain, "seed": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": replace(DIGITS.recipe, lr=0.2)},
        {"recipe": replace(DIGITS.recipe, epochs=31)},
        {"recipe": replace(DIGITS.recipe, augmentation="flip-crop")},
        {"network": "timm:resnet10t", "network_options": {}},
    ],
)
def test_every_setting_of_training_is_in_the_address(change: dict[str, object]) -> None:
    other = Plan(replace(DIGITS, **change))  # type: ignore[arg-type]
    assert Plan(DIGITS).address("train / poisoned") != other.address("train / poisoned")


def test_precision_is_resolved_before_it_is_hashed() -> None:
    addresses = {
        precision: Plan(replace(DIGITS, recipe=replace(DIGITS.recipe, precision=precision))).address("train / poisoned")
        for precision in ("auto", "bf16-mixed", "32-true")
    }
    assert len(set(addresses.values())) == 2


def test_settings_of_unlearning_are_in_its_address() -> None:
    plain = Plan(DIGITS).address("unlearn gd / 10 %")
    assert plain != Plan(replace(DIGITS, forget_batch_size=8)).address("unlearn gd / 10 %")
    assert plain != Plan(replace(DIGITS, snapshots=1)).address("unlearn gd / 10 %")
    assert plain != Plan(DIGITS, budget=0.05).address("unlearn gd / 5 %")


def test_unlearning_is_given_what_the_scenario_says() -> None:
    recipe = replace(DIGITS.recipe, batch_size=48, augmentation="flip-crop", precision="32-true")
    plan = Plan(replace(DIGITS, recipe=recipe, forget_batch_size=7, snapshots=2), budget=0.05)
    (call,) = [call for key, call in plan.calls.items() if key.endswith("unlearn gd / 5 %")]
    config = call.description["config"]
    assert {key: config[key] for key in ("batch_size", "augmentation", "precision", "forget_batch_size")} == {
        "batch_size": 48,
        "augmentation": "flip-crop",
        "precision": "32-true",
        "forget_batch_size": 7,
    }
    assert (config["budget"], config["training_passes"], config["snapshots"]) == (0.05, 1000.0, 2)


def test_surrogates_share_no_stream_with_the_networks_that_are_compared() -> None:
    options = {"count": 5, "pairs": 2, "num_surrogates": 2}
    plan = Plan(replace(DIGITS, poison=PoisonSpec("gradient-matching", options)))
    seeds = [call.description["config"]["seed"] for call in plan.calls.values() if call.stage == "train"]
    poisoned, retrain, _ = (
        plan.calls[f"digits-gaussian-cnn-v1 / seed 0 / train / {name}"].description["config"]["seed"]
        for name in plan.cell.models
    )
    assert poisoned == retrain
    assert len(seeds) == 5
    assert len(set(seeds)) == 4


def test_hyperparameters_are_in_the_address() -> None:
    tasks = {}
    for lr in (0.01, 0.02):
        built, _ = build_tasks(DIGITS, load_corpus("digits"), [configured_method("gd", {"lr": lr})], (0.1,), (0,))
        task = next(task for task in built if "unlearn gd" in task.key)
        artifact = Artifact("train", "a", Path("nowhere"), {"passes": 1.0, "forget": "f", "retain": "r"})
        tasks[lr] = task.prepare(dict.fromkeys(task.needs, artifact)).address
    assert tasks[0.01] != tasks[0.02]


def test_the_sham_copies_the_default_gd_whatever_gd_is_asked_for() -> None:
    plan = Plan(DIGITS, methods=("ssd",))
    assert any(key.endswith("sham model / 10 %") for key in plan.calls)
    assert Plan(DIGITS).address("sham model / 10 %") == Plan(DIGITS).address("unlearn gd / 10 %")


def test_a_method_is_resolved_with_its_defaults() -> None:
    method = configured_method("scrub", {"alpha": 0.5})
    assert method.hyperparameters["alpha"] == 0.5
    assert method.hyperparameters["gamma"] == 0.99


def test_a_method_with_other_settings_is_a_row_of_its_own() -> None:
    assert default_method("scrub").name == configured_method("scrub", {"alpha": 0.001}).name == "scrub"
    variant = configured_method("scrub", {"alpha": 0.5, "lr_schedule": "cosine"})
    assert variant.name == "scrub.alpha-0.5_lr_schedule-cosine"
    assert variant.title == "SCRUB (alpha=0.5, lr_schedule=cosine)"


def test_a_refused_setting_is_told() -> None:
    with pytest.raises(ValueError, match="alpha must be positive, got 0"):
        configured_method("ssd", {"alpha": 0})


@pytest.mark.parametrize(("budget", "text"), [(0.1, "10 %"), (0.025, "2.5 %"), (1.0, "100 %")])
def test_percent(budget: float, text: str) -> None:
    assert percent(budget) == text


def test_a_scenario_scales_the_learning_rate_that_a_method_has_by_default() -> None:
    assert fitted(default_method("gd"), 0.2).hyperparameters["lr"] == pytest.approx(0.002)
    assert fitted(default_method("gd"), 0.2).name == "gd"
    assert fitted(configured_method("gd", {"lr": 0.5}), 0.2).hyperparameters["lr"] == 0.5
    assert fitted(default_method("ssd"), 0.2) == default_method("ssd")
    assert fitted(default_method("scrub"), 1.0) == default_method("scrub")


def test_methods_made_for_language_models_run_by_default_on_texts_alone() -> None:
    images, texts = ({method.name for method in default_methods(modality)} for modality in ("image", "text"))
    assert images == {"gd", "ngd", "ga", "euk", "cfk", "scrub", "neggradplus", "ssd"}
    assert texts == images | {"graddiff", "npo", "simnpo"}
