"""The wall: methods that want more than they were granted."""

import lightning as L
import pytest
import torch

from benchmark.stages.trainers import make_trainer
from benchmark.stages.unlearn import run_unlearner
from callbacks import BudgetCallback, BudgetSpentError, Ledger
from datamodules import ImageStore, SampleSet
from lightning_modules import (
    UNLEARNERS,
    PhaseLoader,
    Plan,
    Sgd,
    UnlearnData,
    Unlearner,
    frozen_copy,
    retain_side,
)

pytestmark = pytest.mark.filterwarnings(r"ignore:Found \d+ module\(s\) in eval mode")  # the teacher


class Descends(Unlearner):
    phases = ("retain",)

    def __init__(self):
        super().__init__(Sgd(0.1))

    def training_step(self, batch, batch_idx):
        return self.loss(retain_side(batch))


class Greedy(Descends):
    """Takes steps within its first step for as long as it is let."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        while True:
            self.optimizers().zero_grad()
            self.manual_backward(super().training_step(batch, batch_idx))
            self.optimizers().step()


class AsksATeacher(Descends):
    """Copies the network in setup, and asks the copy without gradient."""

    def setup(self, stage=None):
        super().setup(stage)
        self.teacher = frozen_copy(self.network)

    def training_step(self, batch, batch_idx):
        with torch.no_grad():
            self.teacher(retain_side(batch).inputs)
        return super().training_step(batch, batch_idx)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3))


def sets():
    inputs = torch.randn(26, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(26)
    blank = ImageStore.clean(torch.zeros(26, 1, 2, 2, dtype=torch.uint8), (0.0,), (1.0,))
    everything = SampleSet(blank.replace(rows, inputs), rows, rows % 3)
    return everything.subset(rows[:6]), everything.subset(rows[6:])


def fit(unlearner, budget, steps):
    """Run ``steps`` of 4 samples whatever they cost, with a ledger that grants ``budget``."""
    data = UnlearnData.from_sets(*sets(), batch_size=4, forget_batch_size=4, seed=0)
    unlearner.attach(network(), plan=Plan(steps, steps, 0.0), seed=0)
    ledger = Ledger(budget)
    trainer = make_trainer([BudgetCallback(ledger)], precision="32-true", max_epochs=-(-steps // 5), accelerator="cpu")
    try:
        trainer.fit(unlearner, train_dataloaders=PhaseLoader(data, unlearner))
    except BudgetSpentError:
        return ledger, trainer, "wall"
    return ledger, trainer, "end"


def test_a_plan_that_can_be_paid_runs_to_its_end():
    ledger, trainer, how = fit(Descends(), budget=84, steps=7)
    assert (how, trainer.global_step) == ("end", 7)
    assert ledger.passes == 84
    assert not ledger.refused


def test_the_fit_ends_quietly_where_nothing_is_left():
    ended = []
    unlearner = Descends()
    unlearner.on_train_end = lambda: ended.append(True)
    ledger, trainer, how = fit(unlearner, budget=36, steps=20)
    assert (how, trainer.global_step, ended) == ("end", 3, [True])
    assert ledger.passes == 36
    assert not ledger.refused


@pytest.mark.parametrize("budget", [1, 11, 13, 40, 47])
def test_a_step_that_cannot_be_paid_is_not_begun(budget):
    ledger, trainer, how = fit(Descends(), budget, steps=20)
    assert (how, trainer.global_step) == ("wall", budget // 12)
    assert ledger.passes == budget // 12 * 12
    assert ledger.refused


@pytest.mark.parametrize("budget", [0, 1, 12, 30, 100.5])
def test_a_greedy_method_never_exceeds(budget):
    ledger, _, _ = fit(Greedy(), budget, steps=5)
    assert ledger.passes <= budget
    assert ledger.passes == budget // 12 * 12
    assert ledger.refused == (budget > 0)


@pytest.mark.parametrize(("budget", "steps"), [(48, 3), (47, 2)])
def test_a_copy_made_in_setup_is_paid_for(budget, steps):
    """A step costs 16: teacher 4, student 4, backward 8."""
    ledger, trainer, _ = fit(AsksATeacher(), budget, steps=20)
    assert trainer.global_step == steps
    assert ledger.passes <= budget
    assert ledger.forward_passes == pytest.approx(2 * 4 * steps, abs=4)  # the last teacher may have been asked in vain


def test_a_run_of_a_greedy_method_ends_at_the_wall():
    result = run_unlearner(
        Greedy(), network(), *sets(), passes=100, batch_size=4, forget_batch_size=4, seed=0, accelerator="cpu"
    )
    assert result.ledger.refused
    assert result.ledger.passes == 96
    assert result.plan == Plan(8, 2, 96.0, cut=True)
    result.network(torch.zeros(50, 1, 2, 2))  # whoever measures it afterwards does not meet the wall
    assert result.ledger.passes == 96


@pytest.mark.parametrize("method", UNLEARNERS.all())
@pytest.mark.parametrize("passes", [0.0, 7.0, 50.0, 199.5])
def test_shipped_methods_pay_for_what_they_planned(method, passes):
    result = run_unlearner(
        UNLEARNERS.get(method)(),
        network().append(torch.nn.Linear(3, 3)),
        *sets(),
        passes=passes,
        batch_size=4,
        forget_batch_size=4,
        seed=0,
        accelerator="cpu",
    )
    assert result.ledger.passes == result.plan.passes <= passes
    assert not result.ledger.refused


def test_only_unlearners_are_watched():
    trainer = make_trainer([BudgetCallback(Ledger(1))], precision="32-true", accelerator="cpu")
    with pytest.raises(TypeError, match="BudgetCallback watches an Unlearner, got LightningModule"):
        trainer.callbacks[0].setup(trainer, L.LightningModule(), "fit")
