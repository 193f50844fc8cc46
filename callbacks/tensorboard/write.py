"""Writes the runs of one seed: anchors once, methods one by one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from callbacks.functional import FloatArray
from callbacks.tensorboard import attacks, pictures
from callbacks.tensorboard.cards import poisoned_texts, settings, training_card, unlearning_card
from callbacks.tensorboard.events import Run
from callbacks.tensorboard.views import Scalars, Scored, SeedView, UnlearningRun, number

STATISTIC = "gaussian/statistic"
OUTCOME = ("outcome/residual", "outcome/accuracy_gap", "outcome/cost")
MAIN = ("accuracy/forget", "accuracy/retain", "accuracy/selection", "loss/forget", "loss/retain")
ASIDE = ("accuracy/test", "loss/test", "gaussian/mean", "gaussian/tpr_null_low", "gaussian/tpr_null_high")
"""Scalars without a chart: not measured along the way, shown under another name, or the same for every network."""


def write_training(view: SeedView, folder: Path) -> None:
    """Write ``poisoned``, ``retrain``, ``second_retrain`` and ``fresh_noise`` under ``folder/<scenario>/seed<k>``.

    The last one only where the poison is noise. In the charts of the unlearning they are flat lines from 0 to the
    greatest budget. What the folders held before is replaced; equal results give equal files.
    """
    for name, trained in view.anchors.items():
        run = Run(trained.measured_at)
        for line in trained.history:
            run.scalar("training/loss", line["loss"], int(line["epoch"]))
            run.scalar("training/lr", line["lr"], int(line["epoch"]))
        ends = (0, step(view.horizon))
        for end in ends:
            _moment(run, view, trained.scores, end)
        cost = 0.0 if trained is view.poisoned else view.share(trained.passes)
        _outcome(run, view, trained, cost, ends)
        run.hparams(_row(view, name, ""), OUTCOME)
        _histogram(run, statistic(trained), 0)
        if trained is view.poisoned:
            run.text("about", training_card(view))
            _draw(run, view, None, 0)
            if view.images:
                run.image("training/poisons", pictures.render(pictures.poisons(view.images)), 0)
            if view.texts:
                run.text("training/poisons", poisoned_texts(view.texts))
            if view.crafting:
                run.image("training/crafting", pictures.render(attacks.crafting(view.crafting)), 0)
        run.write(_place(view, folder, name))
    fresh = statistic(view.poisoned, fresh=True)
    if len(fresh):
        run = Run(view.poisoned.measured_at)
        _histogram(run, fresh, 0)
        run.write(_place(view, folder, "fresh_noise"))


def write_unlearning(view: SeedView, unlearned: UnlearningRun, folder: Path) -> None:
    """Write one run of a method as ``folder/<scenario>/seed<k>/<method>@<budget>``.

    Its curves start with the poisoned model, pass its snapshots and end with the unlearned model; what could not be
    measured is NaN, which TensorBoard marks with a triangle. What the folder held before is replaced; equal results
    give equal files.
    """
    run = Run(unlearned.measured_at)
    end = view.share(unlearned.passes)
    moments = {0.0: view.poisoned.scores}
    moments |= {view.share(number(scores["passes"])): scores for scores in unlearned.trajectory}
    moments[end] = {key: unlearned.scores.get(key) for key in view.poisoned.scores}
    for share, scores in moments.items():
        _moment(run, view, scores, step(share))
        run.scalar("progress/budget_spent", 100 * share / unlearned.budget, step(share))
    _outcome(run, view, unlearned, end, [step(end)])
    run.hparams(_row(view, unlearned.name, settings(unlearned)), OUTCOME)
    _histogram(run, statistic(view.poisoned), 0)
    _histogram(run, statistic(unlearned), max(1, step(end)))
    run.text("card", unlearning_card(view, unlearned))
    _draw(run, view, unlearned, step(end))
    run.write(_place(view, folder, unlearned.name))


def step(share: float) -> int:
    """Return where ``share`` of the poisoned model's training lies on the axis of a chart: thousandths."""
    return round(1000 * share)


def statistic(network: Scored, *, fresh: bool = False) -> FloatArray:
    """Return the finite values of I ``(P,)`` for the noise or for fresh noise; none where the poison is another one."""
    values = network.arrays.get(f"{STATISTIC}_fresh" if fresh else STATISTIC)
    array = np.empty(0) if values is None else values.double().numpy()
    return array[np.isfinite(array)]


def _place(view: SeedView, folder: Path, name: str) -> Path:
    return folder / view.scenario / f"seed{view.seed}" / name


def _moment(run: Run, view: SeedView, scores: Scalars, at: int) -> None:
    for key, value in scores.items():
        if key == view.effect:
            run.scalar(f"progress/effect_{key.replace('/', '_')}", number(value), at)
        elif key in MAIN:
            run.scalar(f"progress/{key.replace('/', '_')}", number(value), at)
        elif key not in ASIDE and key != "passes":
            run.scalar(f"progress_details/{key}", number(value), at)


def _outcome(run: Run, view: SeedView, network: Scored, cost: float, steps: Sequence[int]) -> None:
    for at in steps:
        values = (view.residual(network), view.accuracy_gap(network), 100 * cost)
        for tag, value in zip(OUTCOME, values, strict=True):
            run.scalar(tag, value, at)


def _row(view: SeedView, method: str, options: str) -> dict[str, str]:
    return {"scenario": view.scenario, "method": method, "seed": str(view.seed), "settings": options}


def _histogram(run: Run, values: FloatArray, at: int) -> None:
    if len(values):
        run.histogram("statistic/histogram", values, at)


def _draw(run: Run, view: SeedView, unlearned: UnlearningRun | None, at: int) -> None:
    if view.probe:
        networks: dict[str, Scored] = {"poisoned": view.poisoned}
        networks |= {unlearned.card.title: unlearned} if unlearned else {}
        networks |= {"retrain": view.retrain}
        networks |= {} if unlearned else {"second retrain": view.second_retrain}
        run.image(f"audit/{view.probe.name}", pictures.render(attacks.answers(view.probe, networks)), at)
    shown = [("poisoned", "poisoned", statistic(view.poisoned))]
    if unlearned:
        shown += [("unlearned", unlearned.card.title, statistic(unlearned))]
    shown += [("retrain", "retrain", statistic(view.retrain))]
    if not unlearned:
        shown += [("second retrain", "second retrain", statistic(view.second_retrain))]
    shown += [("fresh noise", "fresh noise", statistic(view.poisoned, fresh=True))]
    series = [pictures.Series(label, pictures.COLORS[role], values) for role, label, values in shown if len(values)]
    if series:
        run.image("statistic/distributions", pictures.render(pictures.distributions(series)), at)
        run.image("statistic/trade_off", pictures.render(pictures.trade_off(series)), at)
