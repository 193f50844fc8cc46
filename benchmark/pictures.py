"""From artifacts to TensorBoard files: one folder per trained or unlearned network."""

import json
from collections.abc import Mapping
from pathlib import Path

from benchmark.exhibits import exhibits
from benchmark.methods import ANCHORS, Method
from benchmark.pipeline import Cell
from benchmark.stages.craft import load_poisoning
from benchmark.store import MANIFEST, Artifact
from benchmark.tensors import load_tensors
from callbacks.tensorboard import (
    SeedView,
    TrainingRun,
    UnlearningRun,
    run_name,
    write_training,
    write_unlearning,
)
from datamodules import POISONS
from lightning_modules import MethodCard

STAMP = "rendered.json"
"""Lies in the folder of a run and says what it was drawn from; it goes with the folder."""

RENDERING = 4
"""Raised whenever the pictures come to look different, so that those of earlier runs are drawn again."""

SHAM = MethodCard(name="sham", title=ANCHORS["sham"][0], paper="none", formula=ANCHORS["sham"][1], source="this suite")


def write_pictures(
    name: str, cell: Cell, methods: list[Method], artifacts: Mapping[str, Artifact], folder: Path
) -> None:
    """Write the TensorBoard files of one seed that are missing or of other results.

    Args:
        name: the scenario's name in the run list.
        cell: keys of the seed's tasks.
        methods: the unlearners.
        artifacts: what was computed, by key, the three baselines among it; unlearned networks may be missing.
        folder: TensorBoard's log folder.
    """
    cards = {method.name: (method.card, method.hyperparameters) for method in methods} | {"sham": (SHAM, {})}
    addresses = {model: artifacts[keys[1]].address for model, keys in cell.models.items()}
    addresses["horizon"] = str(max(budget for budget, _ in cell.runs))
    seed_folder = folder / name / f"seed{cell.seed}"
    view: SeedView | None = None
    if _is_stale(seed_folder / "poisoned", addresses):
        view = _view(name, cell, artifacts)
        write_training(view, folder)
        _stamp(seed_folder / "poisoned", addresses)
    for (budget, method), (model, score) in cell.runs.items():
        if model not in artifacts or score not in artifacts:
            continue
        place = seed_folder / run_name(method, budget)
        found = addresses | {"score": artifacts[score].address}
        if _is_stale(place, found):
            view = view or _view(name, cell, artifacts)
            write_unlearning(view, _unlearning(cards[method], budget, artifacts[model], artifacts[score]), folder)
            _stamp(place, found)


def _is_stale(run_folder: Path, addresses: Mapping[str, str]) -> bool:
    """Whether the files of a run are missing, or were drawn from other results or in another way."""
    try:
        known = json.loads((run_folder / STAMP).read_text())
    except (OSError, ValueError):
        return True
    return bool(known != {"rendering": RENDERING, **addresses})


def _stamp(run_folder: Path, addresses: Mapping[str, str]) -> None:
    (run_folder / STAMP).write_text(json.dumps({"rendering": RENDERING, **addresses}, indent=1, sort_keys=True))


def _view(name: str, cell: Cell, artifacts: Mapping[str, Artifact]) -> SeedView:
    trained = {model: _training(artifacts[keys[0]], artifacts[keys[1]]) for model, keys in cell.models.items()}
    effect = POISONS.get(cell.scenario.poison.name).effect
    poisoning = load_poisoning(artifacts[cell.crafted].folder, with_secrets=True)
    shown = exhibits(cell.scenario.corpus.load(), poisoning, effect)
    return SeedView(
        scenario=name,
        seed=cell.seed,
        effect=effect,
        horizon=max(budget for budget, _ in cell.runs),
        images=shown.images,
        texts=shown.texts,
        crafting=shown.crafting,
        probe=shown.probe,
        poisoned=trained["poisoned"],
        retrain=trained["retrain"],
        second_retrain=trained["second_retrain"],
    )


def _training(model: Artifact, score: Artifact) -> TrainingRun:
    return TrainingRun(
        scores=score.meta["final"] or {},
        arrays=load_tensors(score.file("arrays.safetensors")),
        measured_at=score.file(MANIFEST).stat().st_mtime,
        passes=float(model.meta["passes"]),
        history=json.loads(model.file("history.json").read_text()),
    )


def _unlearning(
    card: tuple[MethodCard, Mapping[str, str | int | float | bool | None]],
    budget: float,
    model: Artifact,
    score: Artifact,
) -> UnlearningRun:
    return UnlearningRun(
        card=card[0],
        hyperparameters=card[1],
        scores=score.meta["final"] or {},
        arrays=load_tensors(score.file("arrays.safetensors")),
        measured_at=score.file(MANIFEST).stat().st_mtime,
        budget=budget,
        passes=float(model.meta["cost"]["passes"]) if "cost" in model.meta else 0.0,
        trajectory=score.meta["trajectory"],
    )
