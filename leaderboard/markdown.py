"""The leaderboard as Markdown that also reads well in a terminal."""

import textwrap
from collections.abc import Callable, Iterable, Sequence

from leaderboard.audit import AuditTable
from leaderboard.board import Board, build_boards
from leaderboard.entry import Entry
from leaderboard.index import IndexLine, index_boards
from leaderboard.key import KEY, TITLE
from leaderboard.pipes import WIDTH, items, pipe_table, plain
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

INDEX_COLUMNS = (
    ("scenario", "<"),
    ("modality", "<"),
    ("attack", "<"),
    ("budget", ">"),
    ("took", "<"),
    ("E(poisoned)", ">"),
    ("E(retrain)", ">"),
    ("best", "<"),
    ("residual", ">"),
    ("removed", ">"),
)

SUMMARY_COLUMNS = (
    ("rank", ">"),
    ("method", "<"),
    ("modality", "<"),
    ("worst residual", ">"),
    ("worst scenario", "<"),
    ("removed", ">"),
)


TOOK = {True: "yes", False: "no", None: "one seed"}

SHOWN = 2
"""Scenarios that a summary names in one cell; of more it gives the number."""


def render_markdown(entries: Iterable[Entry], context: Iterable[Entry] = ()) -> str:
    """Return the whole leaderboard as Markdown.

    An index, a summary for each suite and budget, a key, and a table for each scenario and budget. The result depends
    on the entries alone, not on their order.

    Args:
        entries: what is shown.
        context: further entries, in which the controls of scenarios are looked for, too.

    Raises:
        ValueError: if two entries have the same scenario and method.
    """
    boards = build_boards(entries, context)
    if not boards:
        return f"{TITLE}\nNo entries yet.\n"
    parts = [TITLE, _render_index(index_boards(boards)), *map(_render_summary, summarize(boards)), KEY]
    return "\n".join([*parts, *map(_render_board, boards)])


def _render_index(lines: Sequence[IndexLine]) -> str:
    rows = [
        [
            line.scenario,
            line.modality,
            line.attack,
            budget_text(line.budget),
            TOOK[line.took],
            number(line.poisoned, 3),
            number(line.retrain, 3),
            _best_text(line.best),
            residual_text(line.best) if line.best else ABSENT,
            f"{line.removed} of {line.methods}" if line.took else ABSENT,
        ]
        for line in lines
    ]
    return "\n".join(["## Index", "", *pipe_table(INDEX_COLUMNS, rows), ""])


def _best_text(best: Row | None) -> str:
    if best is None or best.rank is None:
        return ABSENT
    return best.title if best.rank.last == 1 else f"{best.title} ({best.rank})"


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
        *items(f"{name}: {value}" for name, value in header.items()),
        *items(f"note: {note}" for note in board.notes),
    ]
    columns = [*COLUMNS, *[SEEDS] * (len(seeds) > 1), *[STATUS] * (len(statuses) > 1)]
    table = pipe_table([column[:2] for column in columns], [[text(row) for _, _, text in columns] for row in rows])
    settings = [
        f"{row.title}: {settings_text(row.hyperparameters)}{_tuning_text(row)}"
        for row in rows
        if row.hyperparameters or row.tuning
    ]
    criteria = sorted({(row.tuning.version, row.tuning.criterion) for row in rows if row.tuning})
    settings += [f"tuned (file version {version}): least {criterion}" for version, criterion in criteria]
    return "\n".join(
        [
            plain(f"## {scenario}, budget {budget_text(board.budget)}"),
            *("", *lines),
            *(line for audit in board.audits for line in _render_audit(audit)),
            *("", *table, ""),
            *(["Settings:", "", *items(settings), ""] if settings else []),
        ]
    )


def _tuning_text(row: Row) -> str:
    if row.tuning is None:
        return ""
    seeds = ", ".join(map(str, row.tuning.seeds))
    return f" (tuned: best of {row.tuning.trials} trials on seeds {seeds})"


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
    return ["", *textwrap.wrap(f"{table.audit.title}:", WIDTH), "", *pipe_table(columns, rows)]


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
            where = "; ".join(f"{reason}: {_names_text(names)}" for reason, names in reasons.items() if names)
        worst = interval_text(row.overall.residual)
        removed = f"{row.removed} of {len(summary.counted)}"
        rows.append([str(row.overall.rank), row.title, ", ".join(row.modalities), worst, where, removed])
    return "\n".join([plain(title), "", *items(lines), "", *pipe_table(SUMMARY_COLUMNS, rows), ""])


def _names_text(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= SHOWN else f"{len(names)} scenarios"
