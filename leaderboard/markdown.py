"""The leaderboard as Markdown that also reads well in a terminal."""

from collections.abc import Iterable, Sequence

from leaderboard.board import Board, build_boards
from leaderboard.entry import Entry
from leaderboard.row import Row
from leaderboard.summary import Summary, summarize
from leaderboard.text import (
    ABSENT,
    budget_text,
    floor_text,
    interval_text,
    number,
    percent,
    residual_text,
    settings_text,
)

KEY = """\
# Leaderboard

How much of a poison's effect E is left after unlearning, and at what cost. Brackets: 95 % intervals over
seeds.

- residual: (E(unlearned) - E(retrain)) / (E(poisoned) - E(retrain)). 0 is as clean as retraining without the
  poisons, 1 is nothing removed. Given only where the attack took: E(poisoned) is significantly above
  E(retrain).
- noise floor: the greatest residual that one retrain plausibly shows against another.
- null: mean and standard deviation of E over models that never saw the poison (both retrains of every seed).
- rank: by distance of the residual from 0. A range such as 1-3 is a tie: the seeds do not tell them apart.
  Methods that lose accuracy, exceed the budget or diverge come after those that do not. Anchors have no rank.
- accuracy: of the unlearned model on clean test samples, in per cent; gap: its difference from retraining.
- cost: network passes (of one sample: forward 1, backward 2) in per cent of those that training took.
- verdict: "removed" is within the noise floor, accuracy within 1 point of retraining, inside the budget, and
  measured well enough to exclude a residual of 0.5; "not removed" is an interval above the floor; "overshot"
  is one below minus the floor; "accuracy lost" is within the floor, but significantly more than 1 point less
  accurate than retraining; "inconclusive" is anything that the seeds leave open.
- anchors: no_unlearning (the poisoned model), retrain (the retrain baseline), sham (random noise on weights).
- status: claimed, verified (a second run agrees), unreliable (it does not), diverged, or baseline (an anchor
  read off the baselines of the entries).
"""

COLUMNS = (
    ("rank", ">"),
    ("method", "<"),
    ("residual", ">"),
    ("accuracy %", ">"),
    ("gap, points", ">"),
    ("cost %", ">"),
    ("verdict", "<"),
    ("effect", ">"),
    ("seeds", ">"),
    ("status", "<"),
    ("hyper-parameters", "<"),
)

SUMMARY_COLUMNS = (
    ("rank", ">"),
    ("method", "<"),
    ("worst residual", ">"),
    ("worst scenario", "<"),
    ("removed", ">"),
)


def render_markdown(entries: Iterable[Entry]) -> str:
    """Return the whole leaderboard as Markdown.

    A key, a summary for each suite and budget, and a table for each scenario and budget. The result depends
    on the entries alone, not on their order.

    Raises:
        ValueError: if two entries have the same scenario and method.
    """
    boards = build_boards(entries)
    parts = [KEY, *map(_render_summary, summarize(boards)), *map(_render_board, boards)]
    return "\n".join(parts if boards else [KEY, "No entries yet.\n"])


def _render_board(board: Board) -> str:
    entry, scenario = board.entry, board.entry.scenario
    mean, deviation = board.null
    took = {
        True: "took",
        False: "did not take, so this scenario counts for nobody",
        None: "one seed cannot say",
    }
    difference = interval_text(board.difference, 3)
    header = {
        "poison": f"{entry.attack} in {entry.corpus} ({entry.modality}), network {entry.network}",
        "effect": f"{entry.effect.title} (higher is more poison left)",
        "attack": f"{took[board.took]}; E(poisoned) - E(retrain) is {difference}",
        "E(poisoned)": number(board.poisoned, 3),
        "E(retrain)": number(board.retrain, 3),
        "noise floor": floor_text(board.floor, took=board.took),
        "null": f"{number(mean, 3)} ± {number(deviation, 3)}",
        "seeds": ", ".join(map(str, board.seeds)),
        "device": ", ".join(board.devices),
        "entries": str(board.entries),
    }
    lines = [
        f"## {scenario}, budget {budget_text(board.budget)}",
        "",
        *(f"- {name}: {value}" for name, value in header.items()),
        *(f"- note: {note}" for note in board.notes),
    ]
    rows = [_cells(row) for row in (*board.anchors, *board.methods)]
    return "\n".join([*map(_plain, lines), "", *_table(COLUMNS, rows), ""])


def _cells(row: Row) -> list[str]:
    return [
        str(row.rank) if row.rank else ABSENT,
        row.title,
        residual_text(row),
        percent(row.accuracy),
        interval_text(row.contender.gap if row.contender else None, 1),
        percent(row.cost),
        row.verdict,
        number(row.effect, 3),
        str(row.seeds),
        row.status,
        settings_text(row.hyperparameters),
    ]


def _render_summary(summary: Summary) -> str:
    lines = [
        f"## Suite {summary.suite}, budget {budget_text(summary.budget)}: each method by its worst scenario",
        "",
        f"- counted: {', '.join(summary.counted)}",
        f"- not counted (attack did not take, or one seed): {', '.join(summary.skipped) or 'none'}",
    ]
    rows = []
    for row in summary.rows:
        where = row.overall.worst or ABSENT
        if row.overall.missing or row.overall.diverged:
            reasons = {"diverged": row.overall.diverged, "missing": row.overall.missing}
            where = "; ".join(f"{reason}: {', '.join(names)}" for reason, names in reasons.items() if names)
        worst = interval_text(row.overall.residual)
        rows.append([str(row.overall.rank), row.title, worst, where, f"{row.removed} of {len(summary.counted)}"])
    return "\n".join([*map(_plain, lines), "", *_table(SUMMARY_COLUMNS, rows), ""])


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return an aligned pipe table; every row is as wide as the header, whatever a cell holds."""
    cells = [[_plain(cell).replace("|", "\\|") for cell in row] for row in ([name for name, _ in columns], *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [side for _, side in columns]
    rule = [_rule(width + 2, side) for width, side in zip(widths, sides, strict=True)]
    lines = [
        "| " + " | ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True))
        for row in cells
    ]
    return [f"{lines[0]} |", f"|{'|'.join(rule)}|", *(f"{line} |" for line in lines[1:])]


def _rule(width: int, side: str) -> str:
    dashes = "-" * (width - 1)
    return f"{dashes}:" if side == ">" else f":{dashes}"


def _plain(text: str) -> str:
    """Collapse white space, so that no title can break a line or leave a space at its end."""
    return " ".join(text.split())
