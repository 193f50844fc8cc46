"""The leaderboard: entries as checked data, what a few seeds can say about them, and their rendering."""

from leaderboard.audit import AuditTable
from leaderboard.board import Board, build_boards
from leaderboard.contender import Contender
from leaderboard.difference import Change, Difference, compare, render_difference
from leaderboard.entry import (
    BudgetResult,
    Cost,
    Effect,
    Entry,
    EntryError,
    MethodCard,
    ModelScore,
    Protection,
    Provenance,
    SeedResult,
    Source,
    Tuning,
    Verification,
    read_entries,
    read_entry,
    write_entry,
)
from leaderboard.export import export_entries
from leaderboard.index import IndexLine, index_boards
from leaderboard.markdown import render_markdown
from leaderboard.overall import OverallRank, rank_overall
from leaderboard.ranking import Rank, rank_methods
from leaderboard.records import ANCHORS
from leaderboard.row import Row
from leaderboard.selection import Selection, SelectionError, select
from leaderboard.statistics import (
    Interval,
    Residual,
    accuracy_gap,
    fieller_interval,
    noise_floor,
    paired_interval,
    residual,
)
from leaderboard.summary import Summary, summarize
from leaderboard.verdict import Verdict, judge

__all__ = [
    "ANCHORS",
    "AuditTable",
    "Board",
    "BudgetResult",
    "Change",
    "Contender",
    "Cost",
    "Difference",
    "Effect",
    "Entry",
    "EntryError",
    "IndexLine",
    "Interval",
    "MethodCard",
    "ModelScore",
    "OverallRank",
    "Protection",
    "Provenance",
    "Rank",
    "Residual",
    "Row",
    "SeedResult",
    "Selection",
    "SelectionError",
    "Source",
    "Summary",
    "Tuning",
    "Verdict",
    "Verification",
    "accuracy_gap",
    "build_boards",
    "compare",
    "export_entries",
    "fieller_interval",
    "index_boards",
    "judge",
    "noise_floor",
    "paired_interval",
    "rank_methods",
    "rank_overall",
    "read_entries",
    "read_entry",
    "render_difference",
    "render_markdown",
    "residual",
    "select",
    "summarize",
    "write_entry",
]
