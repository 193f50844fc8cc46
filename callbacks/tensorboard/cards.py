"""Texts that say what one is looking at."""

import math
import re
from collections.abc import Mapping

from callbacks.tensorboard.views import PoisonTexts, Scored, SeedView, UnlearningRun

LONGEST_TEXT = 500
"""In characters, of a text in a table."""

ABOUT = """Every run is one network; every chart lays runs over each other. Set *Smoothing* to 0.

- **outcome**: where a run ended. Across: what it cost.
- **progress**: how the unlearning went. Across: network passes spent, in thousandths of what training the poisoned
  model cost (100 is a budget of 10 %); at 0 there is the poisoned model itself. Flat lines are what to compare with.
  A triangle is a value that could not be measured, because the network diverged.
- **statistic**: what the primary effect is made of.
- **audit**: test images, and what the networks say to them: how probable the attacker's class is, and the true one.
- **training**: how the poisons were crafted, and how the poisoned model and the retrain baselines were trained.
  Across: epochs.

**residual** = (E(network) - E(retrain)) / (E(poisoned) - E(retrain)), for the effect E of the poison. 0 is as clean as
retraining without the poisons, 1 is nothing removed. What `second_retrain` has is noise: nothing within it can be told
from retraining. **accuracy gap** = accuracy(network) - accuracy(retrain) on the test split, in points. **cost** is in
per cent of training the poisoned model.
"""


def training_card(view: SeedView) -> str:
    """Return what the runs of a seed have in common, in Markdown."""
    networks = {"poisoned": view.poisoned, "retrain": view.retrain, "second retrain": view.second_retrain}
    return f"### {view.scenario}, seed {view.seed}\n\n{_table(view, networks)}\n{ABOUT}"


def unlearning_card(view: SeedView, run: UnlearningRun) -> str:
    """Return what a method is and where it ended, in Markdown."""
    card = run.card
    networks: dict[str, Scored] = {"poisoned": view.poisoned, card.title: run, "retrain": view.retrain}
    networks["second retrain"] = view.second_retrain
    diverged = math.isnan(run[view.effect])
    lines = [
        f"### {card.title} on {view.scenario}, seed {view.seed}\n",
        "**It diverged: the unlearned network could not be measured.**\n" if diverged else "",
        _table(view, networks),
        f"- budget: {100 * run.budget:g} % of training, spent: {100 * view.share(run.passes):.2f} %",
        f"- settings: {settings(run)}",
        f"- update: `{card.formula}`",
        f"- paper: {card.paper}",
        f"- source: {card.source}",
        f"- deviations: {card.deviations}",
    ]
    return "\n".join(line for line in lines if line)


def poisoned_texts(texts: PoisonTexts) -> str:
    """Return poisons beside the clean base samples they were made of, in Markdown."""
    lines = ["### Poisons, before and after\n"]
    lines += [f"{texts.change}\n"] if texts.change else []
    lines += ["|label|before|after|", "|---|---|---|"]
    rows = zip(texts.labels, texts.base, texts.poison, strict=True)
    lines += [f"|{label}|{_cell(before)}|{_cell(after)}|" for label, before, after in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Return a text as it can stand in a table: escaped, on one line, and cut where it is long."""
    line = " ".join(text.split())
    shown = line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]} …"
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", shown)


def settings(run: UnlearningRun) -> str:
    """Return the hyper-parameters in one line."""
    return ", ".join(f"{name}={value}" for name, value in run.hyperparameters.items()) or "none"


def _table(view: SeedView, networks: Mapping[str, Scored]) -> str:
    rows = {
        f"effect ({view.effect})": lambda network: f"{network[view.effect]:.3f}",
        "residual": lambda network: f"{view.residual(network):.2f}",
        "test accuracy": lambda network: f"{100 * network['accuracy/test']:.1f} %",
        "accuracy gap, points": lambda network: f"{view.accuracy_gap(network):+.1f}",
        "loss on the forget set": lambda network: f"{network['loss/forget']:.3f}",
        "loss on the retain set": lambda network: f"{network['loss/retain']:.3f}",
    }
    lines = ["| |" + "|".join(networks) + "|", "|---|" + "--:|" * len(networks)]
    lines += [f"|{name}|" + "|".join(map(show, networks.values())) + "|" for name, show in rows.items()]
    return "\n".join(lines) + "\n"
