"""Every rule on synthetic data of either outcome."""

import pytest

from benchmark.report.claims import CLAIMS, judge_claims
from benchmark.report.claims.convex import growing_shift, larger_shift, small_cosine, smaller_cosine
from benchmark.report.claims.gaussian import (
    histograms,
    membership_misses,
    membership_misses_everywhere,
    retrain_is_null,
)
from benchmark.report.claims.removal import every_attack, every_budget, removal_of
from benchmark.report.evidence import Alignment, Evidence, Membership, Shift
from benchmark.report.material import FRESH, SEEN

LINEAR = "linear, n > d"


@pytest.fixture
def judge(make_material):
    def judge(rule, entries=(), statistics=None, **rows):
        return rule(Evidence(make_material(entries, statistics), **rows))

    return judge


def at_text(make_entry, *arguments, **changes):
    text = {"scenario": "toy-trigger-bert-v1", "attack": "trigger-phrase", "modality": "text"}
    return make_entry(*arguments, **(text | changes))


def test_removal_of_one_attack(judge, make_entry):
    rule = removal_of(("gaussian",), "a Gaussian poison")
    stays, wrecked = make_entry("gd", 0.9), make_entry("ga", 0.0, accuracy=0.2)
    found = judge(rule, [stays, wrecked])
    assert found.verdict == "reproduced"
    assert found.statistic.startswith("2 of 2 methods fail, 0 undecided, 0 remove; nearest with accuracy kept: gd")
    found = judge(rule, [stays, wrecked, make_entry("clean", 0.0)])
    assert found.verdict == "not reproduced"
    assert found.statistic.endswith("removed by clean")
    assert (
        judge(rule, [make_entry("gd", 0.9, took=False)]).statistic == "the attack did not take in toy-gaussian-cnn-v1"
    )
    assert judge(rule, []).statistic == "no entries of a Gaussian poison"
    other = make_entry("clean", 0.0, attack="badnets")
    assert judge(rule, [other]).verdict == "not testable here"
    overshot = make_entry("over", -0.5)
    assert judge(rule, [overshot]).verdict == "reproduced"


def test_an_unreliable_entry_decides_nothing(judge, make_entry):
    rule = removal_of(("gaussian",), "it")
    both = [make_entry("gd", 0.9), make_entry("clean", 0.0, status="unreliable")]
    assert judge(rule, both).verdict == "reproduced"


def test_a_method_must_remove_every_attack_of_its_modalities(judge, make_entry):
    everywhere = [make_entry("gd", 0.0), make_entry("ga", 0.9), at_text(make_entry, "ga", 0.9)]
    found = judge(every_attack, [*everywhere, at_text(make_entry, "gd", 0.9)])
    assert found.verdict == "reproduced"
    found = judge(every_attack, [*everywhere, at_text(make_entry, "gd", 0.0)])
    assert found.verdict == "not reproduced"
    assert found.statistic.endswith("removed by gd")
    beyond = make_entry("gd", {0.1: 0.9, 0.5: 0.0}, budgets=(0.1, 0.5))
    assert judge(every_attack, [beyond]).verdict == "reproduced"


def test_budgets(judge, make_entry):
    budgets = (0.02, 0.04, 0.06, 0.08, 0.1)
    left = dict.fromkeys(budgets, 0.9)
    assert judge(every_budget, [make_entry("gd", left, budgets=budgets)]).verdict == "reproduced"
    found = judge(every_budget, [make_entry("gd", left | {0.06: 0.0}, budgets=budgets)])
    assert found.verdict == "not reproduced"
    assert "6 %: 0 of 1 methods fail" in found.statistic
    assert judge(every_budget, [make_entry("gd", left, budgets=budgets[1:])]).statistic == "no entries at 2 %"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "reproduced"), (0.9, "not reproduced")])
def test_retrained_models(judge, make_entry, shift, verdict):
    entries = [make_entry("retrain", 0.0), make_entry("gd", 0.9)]
    found = judge(retrain_is_null, entries, {("retrain", SEEN): shift})
    assert found.verdict == verdict
    assert "band [0.0059, 0.0149]" in found.statistic
    assert judge(retrain_is_null, entries).verdict == "not testable here"


@pytest.mark.parametrize(
    ("fresh", "seen", "after", "verdict"),
    [
        (0.0, 0.9, 0.5, "reproduced"),
        (0.5, 0.9, 0.5, "not reproduced"),
        (0.0, -0.9, 0.5, "not reproduced"),
        (0.0, 0.9, -0.5, "not reproduced"),
    ],
)
def test_histograms(judge, make_entry, fresh, seen, after, verdict):
    shifts = {("no_unlearning", FRESH): fresh, ("no_unlearning", SEEN): seen, ("ngd", SEEN): after}
    entries = [make_entry("no_unlearning", 1.0), make_entry("ngd", 0.9)]
    assert judge(histograms, entries, shifts).verdict == verdict
    assert judge(histograms, entries, shifts | {("ngd", SEEN): 0.0}).verdict != "reproduced"
    assert judge(histograms, entries[:1], shifts).verdict == "not testable here"


def memberships(loss_tpr, audit_tpr, loss_auc=0.5, audit_auc=0.7, method="gd"):
    at = ("toy-gaussian-cnn-v1", method, 0.1)
    jitter = [0.001 * (seed - 2) for seed in range(5)]
    return [
        Membership(*at, seed, 375, 2000, loss_tpr + e, loss_auc + e, audit_tpr + e, audit_auc + e)
        for seed, e in enumerate(jitter)
    ]


@pytest.mark.parametrize(
    ("loss", "audit", "verdict"),
    [(0.01, 0.06, "reproduced"), (0.05, 0.06, "not reproduced"), (0.01, 0.01, "not testable here")],
)
def test_the_loss_attack_at_a_rate(judge, make_entry, loss, audit, verdict):
    rows = memberships(loss, audit)
    assert judge(membership_misses, [make_entry("gd", 0.9)], memberships=rows).verdict == verdict
    wrecked = [make_entry("gd", 0.9, accuracy=0.2)]
    assert judge(membership_misses, wrecked, memberships=rows).verdict == "not testable here"


@pytest.mark.parametrize(
    ("loss", "audit", "verdict"),
    [(0.5, 0.7, "reproduced"), (0.8, 0.7, "not reproduced"), (0.5, 0.5, "not testable here")],
)
def test_the_loss_attack_over_the_whole_curve(judge, make_entry, loss, audit, verdict):
    rows = memberships(0.01, 0.06, loss, audit)
    assert judge(membership_misses_everywhere, [make_entry("gd", 0.9)], memberships=rows).verdict == verdict


def shifts(poison, random, small=0.5):
    return [
        Shift("toy-v1", "gaussian", seed, fraction, 10, removed, size * factor * (1 + 0.01 * seed), size)
        for seed in range(5)
        for fraction, factor in ((0.1, small), (1.0, 1.0))
        for removed, size in (("poison", poison), ("random", random))
    ]


def test_shifts():
    found = larger_shift(Evidence(None, shifts=shifts(4.0, 2.0)))
    assert found.verdict == "reproduced"
    assert found.statistic == "gaussian: 2.00 [2.00, 2.00]"
    assert larger_shift(Evidence(None, shifts=shifts(2.0, 4.0))).verdict == "not reproduced"
    assert larger_shift(Evidence(None)).verdict == "not testable here"
    assert growing_shift(Evidence(None, shifts=shifts(4.0, 2.0))).verdict == "reproduced"
    assert growing_shift(Evidence(None, shifts=shifts(4.0, 2.0, small=2.0))).verdict == "not reproduced"


def alignments(poison, random, spread=0.005):
    return [
        Alignment("toy-v1", "gaussian", seed, LINEAR, removed, value + spread * (seed - 2) * sign, 1.0, None)
        for seed in range(5)
        for removed, value, sign in (("poison", poison, 1), ("random", random, -1))
    ]


def test_cosines():
    small, smaller = small_cosine(LINEAR), smaller_cosine(LINEAR)
    assert small(Evidence(None, alignments=alignments(0.01, 0.5))).verdict == "reproduced"
    assert small(Evidence(None, alignments=alignments(0.5, 0.6))).verdict == "not reproduced"
    assert small(Evidence(None, alignments=alignments(0.09, 0.6, 0.02))).verdict == "not testable here"
    assert smaller(Evidence(None, alignments=alignments(0.4, 0.6))).verdict == "reproduced"
    assert smaller(Evidence(None, alignments=alignments(0.6, 0.4))).verdict == "not reproduced"
    assert smaller(Evidence(None, alignments=alignments(0.5, 0.5))).verdict == "not testable here"
    assert small_cosine("linear, n < d")(Evidence(None, alignments=alignments(0.0, 0.5))).verdict == "not testable here"


def test_without_anything_no_claim_is_decided(make_material):
    judged = judge_claims(Evidence(make_material([])))
    assert [one.claim for one in judged] == list(CLAIMS)
    assert {one.finding.verdict for one in judged} == {"not testable here"}
    assert all(one.claim.rule_text and one.finding.statistic for one in judged)
