from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.graph import run_graph
from benchmark.methods import default_method
from benchmark.scenario import Scenario
from benchmark.stages.craft import SECRETS_FILE
from benchmark.store import ArtifactStore
from benchmark.tuning.criterion import LOSS_CAP
from benchmark.tuning.measure import visible
from benchmark.tuning.pair import Experiment, Pair, baseline_tasks
from datamodules import ImageCorpus, PoisoningDataModule


class Fixed(nn.Module):
    """Logits that depend on nothing but the mean pixel."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, inputs: Tensor) -> Tensor:
        return self.scale * inputs.mean(dim=(1, 2, 3))[:, None] * torch.linspace(-1, 1, 10)


class Quiet:
    def started(self, key: str, stage: str) -> None: ...

    def finished(self, key: str, stage: str, outcome: str) -> None: ...


def poisoned(short: Scenario) -> PoisoningDataModule:
    data = PoisoningDataModule(short.corpus.load(), short.poison.build(), seed=1000, forget=short.forget)
    data.setup()
    return data


def test_losses_and_accuracy_against_numpy(short: Scenario) -> None:
    data = poisoned(short)
    found = visible(Fixed(40.0), data)
    assert found is not None

    def everything(samples: object) -> tuple[np.ndarray, np.ndarray]:
        batch = samples.batch(torch.arange(len(samples)))  # type: ignore[attr-defined, arg-type]
        mean = batch.inputs.numpy().astype(np.float64).mean(axis=(1, 2, 3))
        return 40.0 * mean[:, None] * np.linspace(-1, 1, 10), batch.target.numpy()

    logits, target = everything(data.forget_set)
    losses = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    losses -= logits[np.arange(len(target)), target]
    assert (losses > LOSS_CAP).any()
    assert (losses < LOSS_CAP).any()
    assert found.forget_loss == pytest.approx(np.minimum(losses, LOSS_CAP).mean(), rel=1e-4)
    logits, target = everything(data.corpus.samples("selection"))
    assert found.accuracy == pytest.approx((logits.argmax(1) == target).mean())


def test_losses_that_are_not_finite_are_no_measurement(short: Scenario) -> None:
    assert visible(Fixed(float("nan")), poisoned(short)) is None


def test_neither_audit_secrets_nor_the_test_split_are_read(
    short: Scenario, tmp_path: Path, inline: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, executor = ArtifactStore(tmp_path), inline(tmp_path)
    baselines, failures = run_graph(baseline_tasks(short, [1000]), store, executor, Quiet())
    assert not failures
    assert sorted(artifact.stage for artifact in baselines.values()) == ["craft", "train", "train"]
    for artifact in baselines.values():
        (artifact.folder / SECRETS_FILE).unlink(missing_ok=True)
    split = ImageCorpus.samples

    def all_but_test(corpus: ImageCorpus, name: str) -> object:
        if name == "test":
            raise AssertionError("the test split was read")
        return split(corpus, name)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageCorpus, "samples", all_but_test)
    pair = Pair(short, default_method("gd"), (1000,), 0.1)
    experiment = Experiment(pair, baselines, store, executor)
    (reference,) = experiment.references()
    assert reference.poisoned != reference.retrain
    (unlearned,) = experiment.unlearned({"lr": 0.1})
    assert unlearned not in (None, reference.poisoned)
    assert not list(tmp_path.glob("tune/*/*.safetensors"))
    assert not list(tmp_path.glob("score"))


def test_a_run_that_diverges_is_no_measurement(short: Scenario, tmp_path: Path, inline: type) -> None:
    store, executor = ArtifactStore(tmp_path), inline(tmp_path)
    baselines, _ = run_graph(baseline_tasks(short, [1000]), store, executor, Quiet())
    experiment = Experiment(Pair(short, default_method("ga"), (1000,), 0.1), baselines, store, executor)
    assert experiment.unlearned({"lr": 1e30}) == [None]
