"""Each check can fail: methods that break one promise each, and the checks that find them out."""

import gc
import re
import sys
import time
import types
from typing import ClassVar

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import benchmark.stages.unlearn
from benchmark.conformance import CHECKS, Subject, check_unlearner, run_check, run_checks
from datamodules import Poisoning, load_corpus
from lightning_modules import MethodCard, Sgd, Unlearner, VisitCost, forget_side, frozen_copy, retain_side

CARD = MethodCard(name="honest", title="Honest", paper="nobody 2025", formula="w <- w", source="this test")


class Honest(Unlearner):
    """Descends on the retain set and ascends on the forget set.

    Args:
        lr: learning rate, positive.
    """

    card = CARD
    phases = ("paired",)

    def __init__(self, *, lr: float = 0.01) -> None:
        super().__init__(Sgd(lr))

    def training_step(self, batch, batch_idx):
        return self.loss(retain_side(batch)) - 0.1 * self.loss(forget_side(batch))

    def stir(self, noise):
        """Add a little noise to every parameter."""
        with torch.no_grad():
            for parameter in self.network.parameters():
                parameter.add_(noise(parameter), alpha=1e-3)


# what a method says


class EmptyFormula(Honest):
    card = MethodCard("honest", "Honest", "nobody 2025", " ", "this test")


class BadName(Honest):
    card = MethodCard("Honest Method", "Honest", "nobody 2025", "w <- w", "this test")


class NoCard(Honest):
    card = None


class Positional(Honest):
    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr=lr)


class NotScalar(Honest):
    """Takes a list.

    Args:
        rates: learning rates.
    """

    def __init__(self, *, rates: list[float] = [0.01]) -> None:  # noqa: B006
        super().__init__(lr=rates[0])


class Undocumented(Honest):
    """Says nothing about its arguments."""


class UnknownException(Honest):
    conformance_exceptions: ClassVar = {"moves_wieghts": "a typing error"}


class ExceptionWithoutReason(Honest):
    conformance_exceptions: ClassVar = {"moves_weights": " "}


class FickleSchedule(Honest):
    asked = 0

    def schedule(self, epoch):
        self.asked += epoch == 9
        return ("paired",) * (1 + (epoch == 9 and self.asked > 1))


# running


class Raises(Honest):
    def training_step(self, batch, batch_idx):
        raise KeyError("a typing error in the method")


class SetsThreads(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        torch.set_num_threads(2)


class Reseeds(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        torch.manual_seed(123)


# weights


class TrainsItsTeacher(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.teacher = frozen_copy(self.network).requires_grad_(True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.teacher.parameters(), lr=self.optimizer_settings.lr)


class AddsBuffer(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.network.register_buffer("mark", torch.zeros(1))


class Explodes(Honest):
    def training_step(self, batch, batch_idx):
        return super().training_step(batch, batch_idx) * float("inf")


class EditsTheOriginal(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        with torch.no_grad():
            for item in gc.get_referrers(type(self.network)):
                if type(item) is type(self.network) and item is not self.network:
                    next(item.parameters()).mul_(0.5)


class DecaysFrozenWeights(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.network[0].requires_grad_(False)

    def on_train_batch_end(self, *args):
        with torch.no_grad():
            for parameter in self.network.parameters():
                parameter.mul_(1 - 1e-3)


class FrozenStatisticsMove(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.network[1].requires_grad_(False)  # and the batch norm stays in train mode


# the same again


class ReadsTheClock(Honest):
    def on_train_end(self):
        self.stir(lambda parameter: torch.full_like(parameter, time.perf_counter_ns() % 999_983))


class DrawsGlobally(Honest):
    def on_train_end(self):
        self.stir(torch.randn_like)


class KeepsTheMode(Honest):
    def setup(self, stage=None):
        pass


# reading


class IgnoresTheForgetSet(Honest):
    visit = VisitCost(retain=3, forget=0)

    def training_step(self, batch, batch_idx):
        return self.loss(retain_side(batch))


class PeeksAtTheForgetSet(Honest):
    phases = ("retain",)

    def training_step(self, batch, batch_idx):
        forget = next(iter(self.trainer.train_dataloader.data.forget))
        return self.loss(retain_side(batch)) * forget.inputs.std()


class IgnoresTheRetainSet(Honest):
    visit = VisitCost(retain=0, forget=3)

    def training_step(self, batch, batch_idx):
        return -self.loss(forget_side(batch))


class DeadHyperParameter(Honest):
    """Has a setting that it does not use.

    Args:
        lr: learning rate, positive.
        strength: of nothing.
    """

    def __init__(self, *, lr: float = 0.01, strength: float = 1.0) -> None:
        super().__init__(lr=lr)


class FixedHyperParameter(Honest):
    """Has a setting of which only one value is allowed.

    Args:
        lr: learning rate, positive.
        style: ``plain``.
    """

    def __init__(self, *, lr: float = 0.01, style: str = "plain") -> None:
        super().__init__(lr=lr)
        if style != "plain":
            raise ValueError("style must be 'plain'")


# other inputs


class TenClasses(Honest):
    def loss(self, batch):
        return cross_entropy(self.network(batch.inputs), one_hot(batch.target, 10).float())


class EightByEight(Honest):
    def loss(self, batch):
        return cross_entropy(self.network(batch.inputs.view(-1, 1, 8, 8)), batch.target)


class NeedsBatchNorm(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.network[1].running_mean.mul_(0.9)


class NeedsWholeForgetBatch(Honest):
    def training_step(self, batch, batch_idx):
        if batch_idx == 0 and len(forget_side(batch).target) < 8:
            raise IndexError("the forget batch is too short")
        return super().training_step(batch, batch_idx)


class NeedsTwoSamples(Honest):
    def training_step(self, batch, batch_idx):
        if len(retain_side(batch).target) == 1:
            raise ZeroDivisionError("no spread in one sample")
        return super().training_step(batch, batch_idx)


class NeedsFloat32(Honest):
    def training_step(self, batch, batch_idx):
        logits = self.network(retain_side(batch).inputs)
        return torch.dot(logits.flatten(), torch.ones(logits.numel())) - 0.1 * self.loss(forget_side(batch))


# cost


class MovesOnArrival(Honest):
    def attach(self, network, *, plan, seed):
        super().attach(network, plan=plan, seed=seed)
        self.stir(torch.ones_like)


class RaisesItsBudget(Honest):
    def training_step(self, batch, batch_idx):
        for callback in self.trainer.callbacks:
            if hasattr(callback, "ledger"):
                callback.ledger.budget = None
        self.loss(retain_side(batch))
        return super().training_step(batch, batch_idx)


class UnderstatesItsVisits(Honest):
    visit = VisitCost(retain=1, forget=1)


class OverstatesItsVisits(Honest):
    visit = VisitCost(retain=4, forget=4)


class Greedy(Honest):
    def __init__(self, *, lr: float = 0.01) -> None:
        super().__init__(lr=lr)
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        while True:  # until the wall
            self.optimizers().zero_grad()
            self.manual_backward(super().training_step(batch, batch_idx))
            self.optimizers().step()


class CallsLayers(Honest):
    def training_step(self, batch, batch_idx):
        hidden = retain_side(batch).inputs
        with torch.no_grad():
            for layer in frozen_copy(self.network).children():
                hidden = layer(hidden)
        return super().training_step(batch, batch_idx)


# secrets


class HuntsSecrets(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        secret = vars(sys.modules["datamodules"])["Poisoning"]
        found = [item for item in gc.get_referrers(secret) if type(item) is secret]
        seeds = [item.secrets["noise_seed"] for item in found if item.secrets]
        self.stir(lambda parameter: torch.full_like(parameter, 1.0 + sum(seeds)))


class LoadsTheCorpus(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.corpus = load_corpus("digits")


class NamesAPoisoning(Honest):
    def setup(self, stage=None):
        from datamodules.poison import Poisoning as Secret  # noqa: PLC0415

        super().setup(stage)
        self.seen = [item for item in () if isinstance(item, Secret)]


class KeepsAPoisoning(Honest):
    def setup(self, stage=None):
        super().setup(stage)
        self.kept = {"deep": [make_poisoning]}
        self.kept["deep"].append(globals()["make_poisoning"]())


def make_poisoning():
    return Poisoning(torch.arange(1), torch.zeros(1, 1, 8, 8), torch.zeros(1, dtype=torch.int64))


BROKEN = {
    EmptyFormula: {"card_is_complete": "fill in formula"},
    BadName: {"card_is_complete": "name must match .* got 'Honest Method'"},
    NoCard: {"card_is_complete": "MethodCard"},
    Positional: {"hyperparameters_are_scalar_keywords_with_defaults": r"put a \* before lr"},
    NotScalar: {
        "hyperparameters_are_scalar_keywords_with_defaults": "annotate rates as",
        "every_hyperparameter_matters": "no other value of rates",
    },
    Undocumented: {"docstring_documents_every_hyperparameter": "document lr under Args"},
    UnknownException: {"declared_exceptions_have_reasons": "'moves_wieghts', which is no check"},
    ExceptionWithoutReason: {
        "declared_exceptions_have_reasons": "why moves_weights",
        "moves_weights": "remove the declaration",
    },
    FickleSchedule: {"schedule_depends_on_the_epoch_alone": "same phases whenever"},
    Raises: {"runs_to_the_end": r"Raises raises KeyError in training_step \(test_broken.py:\d+\): .a typing error"},
    SetsThreads: {"leaves_the_global_state_alone": "torch's number of threads"},
    Reseeds: {"leaves_the_global_state_alone": "torch's random state"},
    TrainsItsTeacher: {"moves_weights": "no parameter moves", "every_hyperparameter_matters": "^lr can be changed"},
    AddsBuffer: {"keeps_names_shapes_and_dtypes": "added or lost: mark"},
    Explodes: {"stays_finite": "infinite or NaN"},
    EditsTheOriginal: {"leaves_the_original_untouched": "0.weight of the network handed in"},
    DecaysFrozenWeights: {"frozen_stays_frozen": "0.weight move although"},
    FrozenStatisticsMove: {"frozen_stays_frozen": "1.running_mean, 1.running_var, .* eval mode"},
    ReadsTheClock: {"is_deterministic": "use no clock"},
    DrawsGlobally: {
        "ignores_the_global_random_state": "generator=self.generator",
        "leaves_the_global_state_alone": "torch's random state",
    },
    KeepsTheMode: {"ignores_the_mode_of_the_network": r"choose train\(\) or eval\(\)"},
    IgnoresTheForgetSet: {"reads_the_forget_set_as_declared": "another forget set gives the same weights"},
    PeeksAtTheForgetSet: {"reads_the_forget_set_as_declared": "no phase serves it"},
    IgnoresTheRetainSet: {"reads_the_retain_set_as_declared": "another retain set gives the same weights"},
    DeadHyperParameter: {"every_hyperparameter_matters": "^strength can be changed"},
    FixedHyperParameter: {"every_hyperparameter_matters": "no other value of style"},
    TenClasses: {"works_with_another_number_of_classes": "TenClasses raises .* in loss"},
    EightByEight: {"works_with_images_of_another_shape": "EightByEight raises .* in loss"},
    NeedsBatchNorm: {"works_without_batch_normalisation": "NeedsBatchNorm raises AttributeError in setup"},
    NeedsWholeForgetBatch: {"works_with_a_forget_set_smaller_than_its_batch": "too short"},
    NeedsTwoSamples: {"works_with_last_batches_of_one_sample": "no spread"},
    NeedsFloat32: {"works_in_bf16_mixed_precision": "NeedsFloat32 raises RuntimeError in training_step"},
    MovesOnArrival: {"does_nothing_without_a_budget": "with a budget of 0"},
    RaisesItsBudget: {
        "stays_within_the_budget": "leave the ledger alone",
        "visit_cost_is_not_understated": "raise visit",
    },
    UnderstatesItsVisits: {"visit_cost_is_not_understated": r"VisitCost\(retain=1, forget=1\).* raise visit"},
    OverstatesItsVisits: {"visit_cost_is_not_overstated": "lower visit"},
    Greedy: {"visit_cost_is_not_understated": "visit each sample of the batch once"},
    CallsLayers: {"computes_no_more_than_is_charged": "does not see calls of its layers"},
    HuntsSecrets: {"uses_no_audit_secret": "a secret in the process"},
    LoadsTheCorpus: {
        "names_nothing_that_knows_secrets": "the code uses load_corpus",
        "keeps_nothing_that_knows_secrets": "holds ImageCorpus",
    },
    NamesAPoisoning: {"names_nothing_that_knows_secrets": "the code uses Poisoning, datamodules.poison"},
    KeepsAPoisoning: {"keeps_nothing_that_knows_secrets": "holds Poisoning"},
}


def failures(results):
    return {result.name: result.detail for result in results if result.status == "failed"}


def test_the_honest_method_passes_every_check():
    results = check_unlearner(Honest)
    assert {result.status for result in results} == {"passed"}
    assert len(results) == len(CHECKS)


@pytest.mark.parametrize("method", BROKEN, ids=lambda method: method.__name__)
def test_a_broken_method_is_told_what_to_fix(method):
    subject = Subject(method)
    for check in CHECKS:
        if check.name in BROKEN[method]:
            result = run_check(subject, check)
            assert result.status == "failed", check.name
            assert re.search(BROKEN[method][check.name], result.detail), result.detail
            assert "\n" not in result.detail


@pytest.mark.slow
@pytest.mark.parametrize("method", BROKEN, ids=lambda method: method.__name__)
def test_a_broken_method_fails_nothing_that_it_does_not_break(method):
    assert failures(check_unlearner(method)).keys() == BROKEN[method].keys()


def test_a_network_that_is_not_copied_is_found_out(monkeypatch):
    shallow = types.SimpleNamespace(deepcopy=lambda network: network)
    monkeypatch.setattr(benchmark.stages.unlearn, "copy", shallow)
    found = failures(check_unlearner(Honest))
    assert found.keys() == {"leaves_the_original_untouched", "shares_no_storage_with_the_original"}
    assert "copy.deepcopy" in found["shares_no_storage_with_the_original"]


def test_every_check_is_seen_to_fail():
    seen = {name for found in BROKEN.values() for name in found} | {"shares_no_storage_with_the_original"}
    assert seen == {check.name for check in CHECKS}


def test_what_builds_on_a_failed_check_is_not_run():
    results = {result.name: result for result in check_unlearner(Raises)}
    assert results["moves_weights"].status == "not run"
    assert "runs_to_the_end" in results["moves_weights"].detail
    assert not results["moves_weights"].passed
    assert results["card_is_complete"].status == "passed"


class Anchor(TrainsItsTeacher):
    conformance_exceptions: ClassVar = {"moves_weights": "an anchor that stays where it is"}


class StaleException(Honest):
    conformance_exceptions: ClassVar = {"stays_finite": "it once did not"}


def test_a_declared_exception_is_shown_with_its_reason():
    result = next(result for result in check_unlearner(Anchor) if result.name == "moves_weights")
    assert (result.status, result.passed) == ("declared exception", True)
    assert result.detail == "an anchor that stays where it is"


def test_a_declared_exception_that_no_longer_is_one_fails():
    assert failures(check_unlearner(StaleException)).keys() == {"stays_finite"}


def test_results_are_handed_on_as_they_come():
    seen = []
    results = run_checks(Honest, {"lr": 0.02}, seen.append)
    assert results == seen
    assert all(result.seconds >= 0 for result in results)


def test_hyperparameters_are_those_that_were_asked_for():
    found = failures(run_checks(Honest, {"lr": 1e30}, lambda _: None))
    assert "stays_finite" in found
