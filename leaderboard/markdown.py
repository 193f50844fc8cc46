"""The leaderboard as Markdown that also reads well in a terminal."""

import textwrap
from collections.abc import Callable, Iterable, Sequence

from leaderboard.audit import AuditTable
from leaderboard.board import Board, build_boards
from leaderboard.entry import Entry
from leaderboard.row import Row
from leaderboard.summary import Summary, summarize
from leaderboard.text import (
    ABSENT,
    budget_text,
    cell_text,
    floor_text,
    half_width_text,
    interval_text,
    number,
    percent,
    request_text,
    residual_text,
    settings_text,
)

WIDTH = 120
"""Columns of a terminal: where lines of text are broken, and what tables mean to fit."""

KEY = """\
# Leaderboard

How much of a poison's effect E is left after unlearning, and at what cost. Brackets and ±: 95 % intervals over
seeds.

- residual: (E(unlearned) - E(retrain)) / (E(poisoned) - E(retrain)). 0 is as clean as retraining without what was
  asked to be deleted, 1 is nothing removed. Given only where the attack took: E(poisoned) is significantly above
  E(retrain), and above what the scenario's control reaches where it has one.
- noise floor: the greatest residual that one retrain plausibly shows against another.
- null: E over models that never saw what was asked to be deleted (both retrains of every seed).
- rank: by distance of the residual from 0. A range such as 1-3 is a tie: the seeds do not tell them apart.
  Methods that lost accuracy come after those that did not: behind each that is significantly more accurate, and
  ahead of none. Nor is a method ahead of one that keeps over 1 point more of accuracy (within 1 point of retraining
  all count as equal), unless both lost it. Methods that exceed the budget or diverge come last. Anchors have no
  rank.
- accuracy: of the unlearned model on clean test samples, in per cent; gap: its difference from retraining, in
  points. Accuracy is lost where the gap is significantly below -1. For that a loss beyond 5 points counts as 5, so
  that a method that destroys some of its models is not excused by their spread.
- cost: network passes (of one sample: forward 1, backward 2) in per cent of those that training took.
- verdict: "removed" is within the noise floor, accuracy within 1 point of retraining, inside the budget, and
  measured well enough to exclude a residual of 0.5; "not removed" is an interval above the floor; "overshot"
  is one below minus the floor; "inconclusive" is anything that the seeds leave open. Each of them says so where
  accuracy is lost; "accuracy lost" alone is what would be removal otherwise.
- anchors: no_unlearning (the poisoned model), retrain (the retrain baseline), sham (random noise on weights).
- status: claimed, verified (a second run agrees), unreliable (it does not), diverged, or baseline (an anchor
  read off the baselines of the entries).
- audit: what the effect is made of; mean over seeds (least to greatest). Counts are over the pairs of all seeds,
  with the rate and its Clopper-Pearson interval, which takes pairs as independent. A diverged model has none.
"""

Column = tuple[str, str, Callable[[Row], str]]

COLUMNS: tuple[Column, ...] = (
    ("rank", ">", lambda row: str(row.rank) if row.rank else ABSENT),
    ("method", "<", lambda row: row.title),
    ("residual", ">", residual_text),
    ("acc %", ">", lambda row: percent(row.accuracy)),
    ("gap", ">", lambda row: half_width_text(row.contender.gap if row.contender else None)),
    ("cost %", ">", lambda row: percent(row.cost)),
    ("verdict", "<", lambda row: row.verdict),
    ("effect", ">", lambda row: number(row.effect, 3)),
)

SEEDS: Column = ("seeds", ">", lambda row: str(row.seeds))
STATUS: Column = ("status", "<", lambda row: row.status)

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
    rows = (*board.anchors, *board.methods)
    run = [row for row in rows if row.status not in {"baseline", "missing"}]
    statuses, seeds = {row.status for row in run}, {row.seeds for row in run}
    mean, deviation = board.null
    took = {
        True: "took",
        False: "did not take, so this scenario counts for nobody",
        None: "one seed cannot say",
    }
    difference = interval_text(board.difference, 3)
    header = {
        "poison": f"{entry.attack} in {entry.corpus} ({entry.modality}), network {entry.network}",
        "effect": f"{entry.effect.title} (higher is more of what was to be deleted left)",
        "attack": f"{took[board.took]}; E(poisoned) - E(retrain) is {difference}",
        "request": request_text(entry.configuration.get("forget")),
        "E(poisoned)": number(board.poisoned, 3),
        "E(retrain)": number(board.retrain, 3),
        "noise floor": floor_text(board.floor, took=board.took),
        "null": f"mean {number(mean, 3)}, standard deviation {number(deviation, 3)}",
        "seeds": ", ".join(map(str, board.seeds)),
        "device": ", ".join(board.devices),
        "entries": f"{board.entries}, all {run[0].status}" if len(statuses) == 1 else str(board.entries),
    }
    lines = [
        *_items(f"{name}: {value}" for name, value in header.items()),
        *_items(f"note: {note}" for note in board.notes),
    ]
    columns = [*COLUMNS, *[SEEDS] * (len(seeds) > 1), *[STATUS] * (len(statuses) > 1)]
    table = _table([column[:2] for column in columns], [[text(row) for _, _, text in columns] for row in rows])
    settings = [f"{row.title}: {settings_text(row.hyperparameters)}" for row in rows if row.hyperparameters]
    return "\n".join(
        [
            _plain(f"## {scenario}, budget {budget_text(board.budget)}"),
            *("", *lines),
            *(line for audit in board.audits for line in _render_audit(audit)),
            *("", *table, ""),
            *(["Settings:", "", *_items(settings), ""] if settings else []),
        ]
    )


def _render_audit(table: AuditTable) -> list[str]:
    digits = [statistic.digits for statistic in table.statistics]
    lines = [
        [subject.title, *map(cell_text, line, digits)]
        for subject, line in zip(table.subjects, table.lines, strict=True)
    ]
    if any(table.null):
        lines.append(["95 % of the null", *map(_band_text, table.null, digits)])
    corner = "statistic" if table.audit.upright else "model"
    cells = [[corner, *(statistic.title for statistic in table.statistics)], *lines]
    if table.audit.upright:
        cells = [list(column) for column in zip(*cells, strict=True)]
    header, *rows = cells
    columns = [(title, ">" if place else "<") for place, title in enumerate(header)]
    return ["", *textwrap.wrap(f"{table.audit.title}:", WIDTH), "", *_table(columns, rows)]


def _band_text(band: tuple[float, float] | None, digits: int) -> str:
    return f"{number(band[0], digits)} to {number(band[1], digits)}" if band else ABSENT


def _render_summary(summary: Summary) -> str:
    title = f"## Suite {summary.suite}, budget {budget_text(summary.budget)}: each method by its worst scenario"
    lines = [
        f"counted: {', '.join(summary.counted)}",
        f"not counted (attack did not take, or one seed): {', '.join(summary.skipped) or 'none'}",
    ]
    rows = []
    for row in summary.rows:
        where = row.overall.worst or ABSENT
        if row.overall.missing or row.overall.diverged:
            reasons = {"diverged": row.overall.diverged, "missing": row.overall.missing}
            where = "; ".join(f"{reason}: {', '.join(names)}" for reason, names in reasons.items() if names)
        worst = interval_text(row.overall.residual)
        rows.append([str(row.overall.rank), row.title, worst, where, f"{row.removed} of {len(summary.counted)}"])
    return "\n".join([_plain(title), "", *_items(lines), "", *_table(SUMMARY_COLUMNS, rows), ""])


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


def _items(texts: Iterable[str]) -> list[str]:
    """Return a list, its items broken between words."""
    return [
        line
        for text in texts
        for line in textwrap.wrap(
            f"- {_plain(text)}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    ]


def _plain(text: str) -> str:
    """Collapse white space, so that no title can break a line or leave a space at its end."""
    return " ".join(text.split())
