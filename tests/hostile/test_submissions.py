"""Hostile submissions, each run as the benchmark runs it, and what must become of it.

Behind walls (bubblewrap) a submission that looks for what it should not have finds nothing, and gives the bits of the
honest method. What holds in a process without walls is tested there too. Attacks that only walls stop succeed there,
which says that the bait can be found.
"""

import sys
from pathlib import Path
from typing import Any, Protocol

import pytest

from benchmark.isolation import SubmissionError, check_apart, describe
from benchmark.isolation.limits import Limits
from benchmark.methods import configured_method


class Outcome(Protocol):
    """What a run of the unlearn stage gave; made in conftest.py."""

    meta: dict[str, Any]
    explained: bool
    looted: bool

    def same_as(self, other: "Outcome") -> bool: ...


class Lab(Protocol):
    """A small experiment with bait; made in conftest.py."""

    bait: Path

    def submission(self, name: str, *, seconds: float = 0.0) -> str: ...
    def unlearn(self, reference: str, *, limits: Limits | None = None) -> Outcome: ...
    def daemons(self) -> list[int]: ...


pytestmark = pytest.mark.usefixtures("untouched")

READS = ("reads_secrets", "reads_corpus", "returns_retrain", "reads_submissions", "uses_network", "probes_code")
WRITES = ("fakes_entry", "flips_store", "deletes_files", "import_writes")
ESCAPES = ("umounts", "reads_parent_memory", "kills_parent", "kills_all", "fills_disk", "forges_reply")
VAIN = (
    "honest",
    "reads_environment",
    "patches_memory",
    "import_spawns",
    "changes_its_card",
    "card_is_no_text",
    "leaves_daemon",
    "prints_much",
)
ERRORS = {
    "returns_other_shapes": r"must be 10\S* of float32, got 11\S* of float32",
    "returns_other_keys": r"unknown tensor 'extra'",
    "returns_fewer_keys": r"no tensor '",
    "returns_float64": r"of float32, got .* of float64",
    "returns_half": r"of float32, got .* of float16",
    "returns_pickle": r"weights.safetensors is no safetensors file",
    "returns_long_header": r"File too large|weights.safetensors has \d+ bytes|wrote more than",
    "returns_too_much": r"File too large|weights.safetensors has \d+ bytes|wrote more than",
    "returns_symlink": r"weights.safetensors is no plain file",
    "returns_fifo": r"ledger.json is no plain file",
    "returns_folder": r"weights.safetensors is no plain file",
    "exits_early": r"handed back no ledger.json",
    "forges_ledger": r"ledger.json is malformed: forward_passes",
    "nests_ledger": r"ledger.json (is malformed|has \d+ bytes)",
    "forges_error": r"ended with exit code 1",
    "raises_budget": r"network passes, the budget is",
}
CARDS = {
    "card_is_path": r"card.name",
    "card_escapes": r"card.title: .*printable",
    "import_exits": r"handed back no description.json",
    "import_patches": r"description.json is malformed",
}


@pytest.mark.parametrize("name", [*READS, *WRITES, *ESCAPES])
def test_behind_walls_it_finds_nothing_and_harms_nothing(
    lab: Lab, honest: Outcome, walls: str, visits: list[str], name: str
) -> None:
    outcome = lab.unlearn(lab.submission(name))
    assert not outcome.looted
    assert outcome.same_as(honest)
    assert outcome.meta["protection"]["kind"] == "bubblewrap"
    assert visits == []


@pytest.mark.parametrize("name", READS)
def test_without_walls_the_same_attack_finds_the_bait(lab: Lab, honest: Outcome, no_walls: str, name: str) -> None:
    outcome = lab.unlearn(lab.submission(name))
    assert not outcome.same_as(honest)
    assert outcome.meta["protection"]["kind"] == "process"


@pytest.mark.parametrize("name", VAIN)
def test_it_was_in_vain(lab: Lab, honest: Outcome, either: str, name: str) -> None:
    outcome = lab.unlearn(lab.submission(name))
    assert outcome.same_as(honest)
    assert outcome.explained
    assert outcome.meta["cost"]["passes"] == honest.meta["cost"]["passes"]
    assert lab.daemons() == []


def test_behind_walls_nothing_is_remembered_from_run_to_run(lab: Lab, honest: Outcome, walls: str) -> None:
    for _ in range(2):
        assert lab.unlearn(lab.submission("remembers")).same_as(honest)


def test_what_can_be_computed_from_public_facts_is_not_kept_from_it(lab: Lab, walls: str) -> None:
    assert lab.unlearn(lab.submission("regenerates_noise")).looted  # as THREATS.md says: fresh seeds find it


@pytest.mark.parametrize(("name", "reason"), ERRORS.items())
def test_it_is_refused(lab: Lab, either: str, name: str, reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason) as caught:
        lab.unlearn(lab.submission(name))
    assert one_clean_line(caught.value)


@pytest.mark.parametrize(("name", "reason"), CARDS.items())
def test_it_does_not_get_as_far_as_running(lab: Lab, either: str, name: str, reason: str) -> None:
    with pytest.raises((ValueError, SubmissionError), match=reason) as caught:
        describe(lab.submission(name))
    assert one_clean_line(caught.value)


@pytest.mark.parametrize("name", ["card_is_shipped", "card_is_anchor"])
def test_no_other_row_is_replaced(lab: Lab, either: str, name: str) -> None:
    with pytest.raises(ValueError, match="as another row is") as caught:
        configured_method(lab.submission(name), {})
    assert one_clean_line(caught.value)


def test_what_it_prints_and_raises_does_not_reach_a_terminal(lab: Lab, either: str) -> None:
    with pytest.raises(SubmissionError, match=r"prints_escapes.py:\d+|verified") as caught:
        lab.unlearn(lab.submission("prints_escapes"))
    assert one_clean_line(caught.value)


def test_a_model_that_is_no_number_has_diverged(lab: Lab, either: str) -> None:
    assert lab.unlearn(lab.submission("returns_nan")).meta["finite"] is False


def test_another_answer_each_time_is_another_answer(lab: Lab, walls: str) -> None:
    reference = lab.submission("returns_noise")
    assert not lab.unlearn(reference).same_as(lab.unlearn(reference))


@pytest.mark.slow
def test_the_checks_say_so_where_another_run_gives_another_answer(lab: Lab, walls: str) -> None:
    results = check_apart(lab.submission("returns_noise"), {}, lambda _: None)
    assert "is_deterministic" in {result.name for result in results if result.status == "failed"}


KILLED = {
    "never_ends": (Limits(seconds=2.0), r"had not ended after 2 s"),
    "sleeps": (Limits(seconds=2.0), r"had not ended after 2 s"),
    "eats_memory": (Limits(memory_bytes=1024**3), r"memory"),
    "eats_memory_in_children": (Limits(memory_bytes=2 * 1024**3), r"used more than 2048 MiB of memory"),
    "fills_outbox": (Limits(), r"wrote more than"),
    "returns_many_files": (Limits(), r"wrote more than"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), KILLED.items())
def test_it_is_killed(lab: Lab, honest: Outcome, either: str, name: str, case: tuple[Limits, str]) -> None:
    limits, reason = case
    with pytest.raises(SubmissionError, match=reason) as caught:
        lab.unlearn(lab.submission(name), limits=limits)
    assert one_clean_line(caught.value)
    assert lab.unlearn(lab.submission("honest")).same_as(honest)


@pytest.mark.slow
def test_behind_walls_a_fork_bomb_goes_off_where_nobody_is_hurt(lab: Lab, honest: Outcome, walls: str) -> None:
    with pytest.raises(SubmissionError, match=r"40 processes and threads|of memory|BlockingIOError"):
        lab.unlearn(lab.submission("fork_bomb"), limits=Limits(processes=40))
    assert lab.daemons() == []
    assert lab.unlearn(lab.submission("honest")).same_as(honest)


@pytest.mark.slow
def test_an_import_that_never_ends_is_ended(lab: Lab, either: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["benchmark.isolation.describe"], "DESCRIBE", Limits(seconds=2.0))
    with pytest.raises(SubmissionError, match="had not ended after 2 s"):
        describe(lab.submission("import_never_ends"))


BEHIND = ("calls_forward", "trains_copy", "trains_in_subprocess", "trains_in_thread", "patches_ledger")


@pytest.mark.slow
@pytest.mark.parametrize("name", BEHIND)
def test_what_the_ledger_does_not_explain_is_flagged(lab: Lab, either: str, name: str) -> None:
    outcome = lab.unlearn(lab.submission(name, seconds=4.0))
    cost = outcome.meta["cost"]
    assert not outcome.explained
    assert cost["cpu_s"] > 4.0 > cost["allowed_s"]


def test_ten_megabytes_are_no_card(lab: Lab, either: str) -> None:
    with pytest.raises((ValueError, SubmissionError), match=r"wrote more than|has \d+ bytes|File too large") as caught:
        describe(lab.submission("card_is_huge"))  # at the end: it may cost the sandbox
    assert one_clean_line(caught.value)


def one_clean_line(error: BaseException) -> bool:
    text = str(error)
    return text.isprintable() and 0 < len(text) < 1000
