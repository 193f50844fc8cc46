"""Rules on what methods remove, from the leaderboard's own verdicts."""

from collections.abc import Iterable, Sequence
from typing import Literal

from benchmark.report.claims.finding import PAPER_ATTACKS, Finding, Rule, open_question
from benchmark.report.evidence import Evidence
from leaderboard import Board, Row
from leaderboard.text import budget_text, interval_text

Outcome = Literal["removes", "fails", "undecided", "left out"]
PAPER_BUDGETS = (0.02, 0.04, 0.06, 0.08, 0.1)


def outcome(row: Row) -> Outcome:
    """Return what a row of the leaderboard says of its method.

    It *removes* where its verdict is "removed". It *fails* where the poison is not removed or overshot, where accuracy
    is lost, or where it diverged. It is *undecided* where its interval is, and *left out* where it spent more than its
    budget, is unreliable, or the attack did not take.
    """
    if row.verdict == "removed" and row.status != "unreliable":
        return "removes"
    if row.status == "unreliable" or row.verdict in ("over budget", "did not take"):
        return "left out"
    if row.verdict.startswith(("not removed", "overshot", "diverged")) or row.verdict.endswith("accuracy lost"):
        return "fails"
    return "undecided"


def by_worst_attack(boards: Iterable[Board]) -> dict[str, Outcome]:
    """Return one outcome per method: it fails where any board says so, and removes where every board says so."""
    boards = [board for board in boards if board.took]
    found: dict[str, list[Outcome]] = {}
    for board in boards:
        for row in board.methods:
            found.setdefault(row.name, []).append(outcome(row))
    modalities = {
        row.name: {board.entry.modality for board in boards if _has(board, row.name)}
        for board in boards
        for row in board.methods
    }
    return {
        name: _worst(outcomes, len([board for board in boards if board.entry.modality in modalities[name]]))
        for name, outcomes in found.items()
    }


def _has(board: Board, name: str) -> bool:
    return any(row.name == name for row in board.methods)


def _worst(outcomes: Sequence[Outcome], asked: int) -> Outcome:
    if "fails" in outcomes:
        return "fails"
    if outcomes.count("removes") == asked:
        return "removes"
    return "left out" if set(outcomes) == {"left out"} else "undecided"


def judge_removal(boards: Sequence[Board], wanted: str) -> Finding:
    """Return the finding on "no method removes it" from boards at one budget each."""
    taken = [board for board in boards if board.took]
    if not boards:
        return open_question(f"no entries of {wanted}")
    if not taken:
        return open_question("the attack did not take in " + ", ".join(board.entry.scenario for board in boards))
    outcomes = {name: result for name, result in by_worst_attack(taken).items() if result != "left out"}
    counts = {word: sum(result == word for result in outcomes.values()) for word in ("fails", "undecided", "removes")}
    told = f"{counts['fails']} of {len(outcomes)} methods fail, {counts['undecided']} undecided"
    told = f"{told}, {counts['removes']} remove; {_nearest(taken)}"
    if counts["removes"]:
        names = ", ".join(name for name, result in outcomes.items() if result == "removes")
        return Finding("not reproduced", f"{told}; removed by {names}")
    if outcomes and counts["fails"] == len(outcomes):
        return Finding("reproduced", told)
    return open_question(told)


def _nearest(boards: Sequence[Board]) -> str:
    """Return the row nearest to retraining among those that keep accuracy, with its interval and the noise floor."""
    rows = [
        (row.contender.distance, row.name, interval_text(row.contender.interval), board)
        for board in boards
        for row in board.methods
        if row.contender and row.contender.interval and not row.contender.loses_accuracy
    ]
    if not rows:
        return "none keeps accuracy"
    _, name, shown, board = min(rows, key=lambda row: row[:2])
    where = f"{board.entry.scenario} at {budget_text(board.budget)}"
    return f"nearest with accuracy kept: {name}, residual {shown}, noise floor {board.floor:.2f} ({where})"


def removal_of(attacks: Sequence[str], wanted: str) -> Rule:
    """Return the rule for "no method removes these attacks"."""

    def rule(evidence: Evidence) -> Finding:
        """Judge by each method's worst scenario of the attack.

        Each method by its worst scenario of this attack, at the largest budget up to 10 %. Reproduced: every method
        fails (interval of the residual outside the noise floor, or accuracy lost, or diverged). Not reproduced: some
        method removes it (within the floor, accuracy within 1 point of retraining) in every scenario.
        """
        boards = [board for board in evidence.material.headline_boards if board.entry.attack in attacks]
        return judge_removal(boards, wanted)

    return rule


def every_attack(evidence: Evidence) -> Finding:
    """Judge by each method's worst attack.

    As for one attack, over all of the paper's attacks of a method's modalities: a method that fails at one of them
    fails. Reproduced: every method fails. Not reproduced: some method removes them all.
    """
    boards = [board for board in evidence.material.headline_boards if board.entry.attack in PAPER_ATTACKS]
    return judge_removal(boards, "the paper's attacks")


def every_budget(evidence: Evidence) -> Finding:
    """Judge every budget of the paper.

    Needs the budgets 2, 4, 6, 8 and 10 % in one scenario of the paper's attacks. Reproduced: at each of them every
    method fails at the worst attack. Not reproduced: at one of them some method removes all attacks.
    """
    at: dict[float, list[Board]] = {budget: [] for budget in PAPER_BUDGETS}
    for board in evidence.material.boards:
        if board.entry.attack in PAPER_ATTACKS and board.budget in at:
            at[board.budget].append(board)
    missing = [budget_text(budget) for budget, boards in at.items() if not boards]
    if missing:
        return open_question(f"no entries at {', '.join(missing)}")
    findings = {budget: judge_removal(boards, "it") for budget, boards in at.items()}
    told = "; ".join(
        f"{budget_text(budget)}: {found.statistic.partition(';')[0]}" for budget, found in findings.items()
    )
    verdicts = {found.verdict for found in findings.values()}
    if "not reproduced" in verdicts:
        return Finding("not reproduced", told)
    return Finding("reproduced", told) if verdicts == {"reproduced"} else open_question(told)
