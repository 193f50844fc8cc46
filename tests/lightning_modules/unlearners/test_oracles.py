"""The shipped methods against numbers from their authors' own implementations; see tests/oracles/README.md."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from datamodules import BatchLoader, SampleSet
from lightning_modules import UNLEARNERS, UnlearnData

pytestmark = pytest.mark.filterwarnings(
    r"ignore:Found \d+ module\(s\) in eval mode",
    "ignore:`LightningModule.configure_optimizers` returned `None`",
)
ORACLES = Path(__file__).parents[2] / "oracles"
TOLERANCE = 1e-5
CASES = {"ft_case1": "gd", "ga_case1": "ga", "neggradplus_case1": "neggradplus", "ssd_case1": "ssd"}
NAMES = {"lambda": "lam", "epochs": "max_epochs"}


class Case:
    """An experiment as the files state it."""

    def __init__(self, name, sample_set, build):
        self.build = build
        self.about = json.loads((ORACLES / f"{name}.json").read_text())
        self.tensors = load_file(ORACLES / f"{name}.safetensors")
        retain, forget = self.tensors["retain.x"], self.tensors["forget.x"]
        targets = self.tensors["retain.y"], self.tensors["forget.y"]
        self.everything = sample_set(torch.cat([retain, forget]), torch.cat(targets))
        self.retain_rows = torch.arange(len(retain))
        self.forget_rows = len(retain) + torch.arange(len(forget))
        self.full_rows = self.tensors.get("full.index", torch.arange(len(self.everything)))

    def part(self, prefix):
        """Tensors below a prefix of the file."""
        prefix += "."
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}

    def network(self):
        return self.build(self.tensors)

    def unlearner(self):
        method = UNLEARNERS.get(CASES[self.about["case"]])
        settings = {NAMES.get(key, key): value for key, value in self.about["hyperparameters"].items()}
        if self.about["optimizer"] is not None:
            settings |= {key: self.about["optimizer"][key] for key in ("lr", "momentum", "weight_decay")}
        return method(**settings)

    def data(self, everything=None):
        """The batches of the file: in its order, cut where it cuts."""
        everything = everything or self.everything
        batches = self.about["batches"]
        loaders = {}
        for name, rows in (("forget", self.forget_rows), ("retain", self.retain_rows), ("full", self.full_rows)):
            cuts = batches.get(name, [[0, 16]])
            loaders[name] = BatchLoader(everything.subset(rows), cuts[0][1] - cuts[0][0], seed=None)
            if name in batches:
                assert loaders[name].sizes() == [stop - start for start, stop in cuts]
        return UnlearnData(**loaders)

    def with_other_forget_set(self):
        """The same retain set with forget samples that were noised and relabelled."""
        inputs = self.everything.batch(torch.arange(len(self.everything))).inputs
        target = self.everything.target.clone()
        noise = torch.randn(inputs[self.forget_rows].shape, generator=torch.Generator().manual_seed(0))
        inputs[self.forget_rows] += noise
        target[self.forget_rows] = (target[self.forget_rows] + 1) % 10
        store = self.everything.store.replace(self.everything.index, inputs)
        return SampleSet(store, self.everything.index, target)


@pytest.fixture(params=CASES)
def case(request, sample_set, oracle_network):
    return Case(request.param, sample_set, oracle_network)


def test_after_is_what_the_authors_code_gives(case, drive):
    run = drive(case.unlearner(), case.network(), case.data())
    after, expected = run.network.state_dict(), case.part("after")
    assert after.keys() == expected.keys()
    assert not run.ledger.refused
    for name, value in expected.items():
        tolerance = TOLERANCE if value.is_floating_point() else 0
        torch.testing.assert_close(after[name], value, atol=tolerance, rtol=0, msg=lambda text, name=name: name + text)


def test_takes_the_steps_of_the_file(case, drive):
    run = drive(case.unlearner(), case.network(), case.data())
    assert run.plan.steps == sum("dampen" not in step.get("kind", "") for step in case.about["steps"])


def test_after_differs_from_before(case, drive):
    after = drive(case.unlearner(), case.network(), case.data()).network
    moved = [(new - case.tensors[f"before.{name}"]).abs().max() for name, new in after.named_parameters()]
    assert min(moved) > 100 * TOLERANCE


def test_a_second_run_gives_the_same_bits(case, drive):
    first, second = (drive(case.unlearner(), case.network(), case.data()).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_forget_set_counts_only_for_methods_that_read_it(case, drive):
    after = drive(case.unlearner(), case.network(), case.data()).network
    other = drive(case.unlearner(), case.network(), case.data(case.with_other_forget_set())).network
    pairs = list(zip(after.parameters(), other.parameters(), strict=True))
    if case.about["method_id"] == "ft":
        assert all(torch.equal(one, two) for one, two in pairs)
    else:
        assert max((one - two).abs().max() for one, two in pairs) > 100 * TOLERANCE


@pytest.mark.parametrize("which", ["forget", "full"])
def test_ssd_importances(which, sample_set, drive, oracle_network):
    case = Case("ssd_case1", sample_set, oracle_network)
    ssd = case.unlearner()
    drive(ssd, case.network(), case.data())
    sums = {"forget": ssd.forget_importance, "full": ssd.full_importance}[which]
    batches = len(case.about["batches"][which])
    for name, expected in case.part(f"importance.{which}").items():
        worst = (sums[name] / batches - expected).abs().max()
        assert worst <= 1e-4 * expected.max(), name
