"""From artifacts to leaderboard entries: one per scenario and method, per-seed values, never means."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from benchmark.address import address_of, plain
from benchmark.code import ROOMS, plugin_code, stage_code
from benchmark.methods import ANCHORS, SHAM_MODEL, Method, Setting, default_method
from benchmark.pipeline import Cell
from benchmark.provenance import command_line, provenance
from benchmark.scenario import Scenario
from benchmark.stages.train import device_type
from benchmark.store import Artifact
from callbacks import EFFECTS
from datamodules import POISONS
from leaderboard import (
    BudgetResult,
    Cost,
    Effect,
    Entry,
    MethodCard,
    ModelScore,
    Protection,
    Provenance,
    SeedResult,
    Source,
    read_entry,
    write_entry,
)
from lightning_modules import UNLEARNERS, resolve_precision


def build_entries(
    scenario: Scenario,
    methods: list[Method],
    budgets: Iterable[float],
    cells: list[Cell],
    artifacts: Mapping[str, Artifact],
    *,
    name: str | None = None,
) -> Iterator[Entry]:
    """Yield the entries of a scenario, anchors first; a method with a failed seed gets no entry.

    Args:
        scenario: the scenario that was run.
        methods: the unlearners.
        budgets: fractions of the poisoned model's training.
        cells: keys of the tasks, per seed.
        artifacts: what was computed, by key.
        name: the scenario's name in the entries, where it was not run as it stands.
    """
    budgets = sorted(budgets)
    cells = [cell for cell in cells if has_baselines(cell, artifacts)]
    if not cells:
        return
    shared = _shared(scenario, cells, artifacts, name or scenario.name)
    source: Provenance = shared.pop("provenance")
    rows: list[tuple[str, MethodCard, dict[str, Setting]]] = [(anchor, _anchor_card(anchor), {}) for anchor in ANCHORS]
    rows += [(method.name, _method_card(method), dict(method.hyperparameters)) for method in methods]
    for row, card, hyperparameters in rows:
        results = []
        for budget in budgets:
            seeds = [_seed_result(row, budget, cell, artifacts) for cell in cells]
            if all(seed is not None for seed in seeds):
                results.append(BudgetResult(budget=budget, seeds=[seed for seed in seeds if seed is not None]))
        if results:
            status = _status(seed for result in results for seed in result.seeds)
            method = next((method for method in methods if method.name == row), default_method(SHAM_MODEL))
            fingerprints = source.fingerprints | {"code": _code(method, scenario)}
            yield Entry(
                source=_source(method),
                tuning=method.tuning,
                protection=_protection(row, budgets, cells, artifacts),
                method=card,
                hyperparameters=hyperparameters,
                results=results,
                status=status,
                provenance=source.model_copy(update={"fingerprints": fingerprints}),
                **shared,
            )


def has_baselines(cell: Cell, artifacts: Mapping[str, Artifact]) -> bool:
    """Whether poisoned model and both retrains of a seed were trained and can be measured: none failed or diverged."""
    keys = [key for keys in cell.models.values() for key in keys]
    if any(key not in artifacts for key in keys):
        return False
    return all(artifacts[score].meta["final"] is not None for _, score in cell.models.values())


def _code(method: Method, scenario: Scenario) -> str:
    poison = POISONS.get(scenario.poison.name)
    submission = method.submission
    code = plugin_code(UNLEARNERS.get(method.reference)) if submission is None else submission.source
    plugins = (poison, EFFECTS.get(poison.effect))
    return address_of([code, *map(plugin_code, plugins), *map(stage_code, ROOMS)])


def _source(method: Method) -> Source | None:
    submission = method.submission
    if submission is None:
        return None
    return Source(file=f"{submission.card.name}.py", class_name=submission.class_name, sha256=submission.sha256)


def _protection(row: str, budgets: Iterable[float], cells: list[Cell], artifacts: Mapping[str, Artifact]) -> Protection:
    """Return what kept a method apart in all of its runs: the least of it, where they differ."""
    keys = {_keys_of(row, budget, cell)[0] for budget in budgets for cell in cells}
    metas = [artifacts[key].meta for key in sorted(keys) if key in artifacts]
    found = [meta["protection"] for meta in metas if "protection" in meta]
    if not found:
        return Protection(kind="shipped")
    return Protection(**min(found, key=lambda one: (one["kind"] == "bubblewrap", -one["memory_limit_bytes"])))


def _shared(scenario: Scenario, cells: list[Cell], artifacts: Mapping[str, Artifact], name: str) -> dict[str, Any]:
    poison = POISONS.get(scenario.poison.name)
    effect = EFFECTS.get(poison.effect)
    fingerprints = {f"seed {cell.seed}": artifacts[cell.crafted].meta["poisoned"] for cell in cells}
    fingerprints["corpus"] = artifacts[cells[0].crafted].meta["corpus"]
    precision = resolve_precision(scenario.recipe.precision, device_type())
    lower, upper = effect.bounds
    return {
        "schema_version": 1,
        "scenario": name,
        "suite": scenario.suite,
        "modality": scenario.modality,
        "attack": poison.name,
        "corpus": scenario.corpus.name,
        "network": scenario.network,
        "configuration": plain(scenario),
        "effect": Effect(name=effect.name, title=effect.title, lower_bound=lower, upper_bound=upper),
        "provenance": provenance(command_line(), precision, fingerprints),
    }


def _seed_result(row: str, budget: float, cell: Cell, artifacts: Mapping[str, Artifact]) -> SeedResult | None:
    keys = _keys_of(row, budget, cell)
    if any(key not in artifacts for key in keys):
        return None
    model, scored = (artifacts[key] for key in keys)
    scores = {name: _model_score(artifacts[keys[1]], cell) for name, keys in cell.models.items()}
    training_passes = float(artifacts[cell.models["poisoned"][0]].meta["passes"])
    return SeedResult(
        seed=cell.seed,
        unlearned=_model_score(scored, cell),
        poisoned=scores["poisoned"],
        retrain=scores["retrain"],
        second_retrain=scores["second_retrain"],
        cost=_cost(row, model, training_passes),
        addresses={"unlearn": model.address, "score": scored.address, "craft": artifacts[cell.crafted].address},
    )


def _keys_of(row: str, budget: float, cell: Cell) -> tuple[str, str]:
    models = {"no_unlearning": "poisoned", "retrain": "retrain"}
    return cell.models[models[row]] if row in models else cell.runs[budget, row]


def _model_score(scored: Artifact, cell: Cell) -> ModelScore:
    final: Mapping[str, float] | None = scored.meta["final"]
    if final is None:
        return ModelScore(effect=None, accuracy=None, extra={})
    effect = POISONS.get(cell.scenario.poison.name).effect
    shown = {effect, "accuracy/test"}
    extra: dict[str, float | None] = {key: value for key, value in final.items() if key not in shown}
    return ModelScore(effect=final[effect], accuracy=final["accuracy/test"], extra=extra)


def _cost(row: str, model: Artifact, training_passes: float) -> Cost:
    if "cost" in model.meta:
        return Cost(**model.meta["cost"])
    spent: Mapping[str, Any] = model.meta if row == "retrain" else {}
    return Cost(
        forward_passes=spent.get("forward_passes", 0.0),
        backward_passes=spent.get("backward_passes", 0.0),
        passes=spent.get("passes", 0.0),
        training_passes=training_passes,
        wall_clock_s=spent.get("wall_clock_s", 0.0),
        peak_memory_bytes=None,
        flops=None,
        device=str(spent.get("device", "none")),
        stopped_by_budget=False,
    )


def _anchor_card(anchor: str) -> MethodCard:
    title, formula = ANCHORS[anchor]
    return MethodCard(name=anchor, title=title, paper="none", formula=formula, source="this suite", kind="anchor")


def _method_card(method: Method) -> MethodCard:
    card = method.card
    return MethodCard(
        name=card.name,
        title=card.title,
        paper=card.paper,
        formula=card.formula,
        source=card.source,
        kind="unlearner",
    )


def publish_entry(entry: Entry, folder: Path) -> Path:
    """Write an entry below ``folder``, together with what an earlier run of the very same experiment found.

    Other code, data, configuration, device or version of torch replaces the earlier entry; seeds and budgets join it.
    """
    path = folder / entry.scenario / f"{entry.method.name}.json"
    return write_entry(_merged(read_entry(path), entry) if path.exists() else entry, folder)


def _merged(old: Entry, new: Entry) -> Entry:
    if _identity(old) != _identity(new):
        return new
    all_results = [*old.results, *new.results]
    found = {(result.budget, seed.seed): seed for result in all_results for seed in result.seeds}
    budgets = sorted({budget for budget, _ in found})
    seeds = {budget: [found[key] for key in sorted(found) if key[0] == budget] for budget in budgets}
    results = [BudgetResult(budget=budget, seeds=seeds[budget]) for budget in budgets]
    fingerprints = old.provenance.fingerprints | new.provenance.fingerprints
    source = new.provenance.model_copy(update={"fingerprints": fingerprints})
    status = _status(found.values())
    return new.model_copy(update={"results": results, "status": status, "provenance": source})


def _status(seeds: Iterable[SeedResult]) -> Literal["claimed", "unreliable", "diverged"]:
    seeds = list(seeds)
    if any(seed.unlearned.effect is None for seed in seeds):
        return "diverged"
    return "claimed" if all(seed.cost.explained for seed in seeds) else "unreliable"


def _identity(entry: Entry) -> tuple[object, ...]:
    source = entry.provenance
    return (
        entry.method,
        entry.hyperparameters,
        entry.configuration,
        entry.effect,
        source.fingerprints.get("code"),
        source.fingerprints.get("corpus"),
        source.precision,
        source.device,
        source.packages.get("torch"),
    )
