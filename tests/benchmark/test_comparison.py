"""What two runs may differ by, and what is told where they differ by more."""

from typing import Any

import pytest

from benchmark.comparison import Compared, compare, tolerance_for
from leaderboard import BudgetResult, Cost, Entry, ModelScore, Provenance, SeedResult

HERE: dict[str, Any] = {
    "commit": "c",
    "dirty": False,
    "packages": {"torch": "2.14.0"},
    "python": "3.11",
    "platform": "p",
    "device": "CPU: one",
    "precision": "32-true",
    "command": "",
    "created": "2026-01-01T00:00:00Z",
    "fingerprints": {},
}


def provenance(**changed: Any) -> Provenance:
    return Provenance.model_validate_json(Provenance.model_validate(HERE | changed, strict=False).model_dump_json())


def entry(unlearned: float | None, poisoned: float = 1.0, retrain: float = 0.5, passes: float = 30.0) -> Entry:
    """An entry of one seed, of which only the results are looked at."""
    scores = {
        name: ModelScore(effect=effect, accuracy=0.9, extra={"z": 5.0})
        for name, effect in (("poisoned", poisoned), ("retrain", retrain), ("second_retrain", retrain))
    }
    own = ModelScore(effect=unlearned, accuracy=None if unlearned is None else 0.9, extra={})
    cost = Cost(
        forward_passes=passes / 3,
        backward_passes=2 * passes / 3,
        passes=passes,
        training_passes=300.0,
        wall_clock_s=1.0,
        peak_memory_bytes=None,
        flops=None,
        device="CPU: one",
        stopped_by_budget=False,
    )
    seed = SeedResult(seed=0, unlearned=own, cost=cost, addresses={}, **scores)
    return Entry.model_construct(results=[BudgetResult(budget=0.1, seeds=[seed])])


def differing(one: Entry, other: Entry, **where: Any) -> list[Compared]:
    values = compare(one, other, tolerance_for(provenance(), provenance(**where)))
    return [value for value in values if not value.agrees]


@pytest.mark.parametrize(
    "where", [{"device": "CPU: two"}, {"packages": {"torch": "2.15.0"}}, {"precision": "bf16-mixed"}]
)
def test_another_machine_may_differ_by_a_tenth_of_the_attack_and_one_point(where: dict[str, Any]) -> None:
    tolerance = tolerance_for(provenance(), provenance(**where))
    assert (tolerance.effect, tolerance.accuracy, tolerance.same) == (0.1, 0.01, False)
    assert differing(entry(0.7), entry(0.749), **where) == []
    (value,) = differing(entry(0.7), entry(0.751), **where)
    assert (value.where, value.what) == ("seed 0 at 10 %", "unlearned effect")
    assert value.share == pytest.approx(1.02)


def test_on_the_same_machine_bits_agree_up_to_rounding() -> None:
    assert differing(entry(0.7), entry(0.7 + 4e-7)) == []
    (value,) = differing(entry(0.7), entry(0.7 + 6e-7))
    assert value.allowed == pytest.approx(0.5e-6)
    assert [value.what for value in differing(entry(0.7), entry(0.7, passes=27.0))] == [
        "forward_passes",
        "backward_passes",
    ]


def test_a_claimed_attack_does_not_widen_its_own_tolerance() -> None:
    """The scale is E(poisoned) - E(retrain) of the second run."""
    found = differing(entry(0.9, poisoned=100.0), entry(0.7), device="CPU: two")
    assert {value.what for value in found} == {"unlearned effect", "poisoned effect"}


def test_diverging_agrees_with_diverging_only() -> None:
    assert differing(entry(None), entry(None)) == []
    found = differing(entry(None), entry(0.7))
    assert {value.what for value in found} == {"unlearned effect", "unlearned accuracy"}
    assert all(value.share is None for value in found)
