"""What the page's script needs: everything that an opened row shows, as compact JSON that is safe inside HTML."""

import json
from collections.abc import Sequence

from pydantic import JsonValue

from leaderboard.board import Board
from leaderboard.entry import Entry, SeedResult
from leaderboard.page.names import ORDER, board_id, look, row_id, rows_of
from leaderboard.row import Row

DIGITS = 7
"""Significant digits of embedded numbers; the entries hold all of them."""

UNSHOWN: dict[str, bool | dict[str, bool]] = {"results": True, "configuration": True, "verification": {"fresh": True}}
"""Fields of an entry that are embedded elsewhere, or not at all."""

ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def embedded(boards: Sequence[Board], entries: Sequence[Entry]) -> str:
    """Return the data of the page as JSON in which no HTML parser finds a tag, an entity or an end of line.

    ``pool`` holds each part that several entries share once; ``rows`` says by identifier where the entry of a row is
    (none for an anchor that was read off the baselines), at which budget, and what it is sorted by.
    """
    pool = Pool()
    places = {(entry.scenario, entry.method.name): place for place, entry in enumerate(entries)}
    content: dict[str, JsonValue] = {
        "entries": [_entry(entry, pool) for entry in entries],
        "rows": {
            row_id(row): _row(row, board, places.get((row.scenario, row.name)))
            for board in boards
            for row in rows_of(board)
        },
        "pool": pool.parts,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate({ord(character): escape for character, escape in ESCAPES.items()})


class Pool:
    """Parts that are stored once, by their content."""

    def __init__(self) -> None:
        self.parts: list[JsonValue] = []
        self._places: dict[str, int] = {}

    def place(self, part: JsonValue) -> int:
        """Return where ``part`` is in :attr:`parts`, adding it if it is new."""
        key = json.dumps(part, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.parts)
            self.parts.append(part)
        return self._places[key]


def _row(row: Row, board: Board, place: int | None) -> JsonValue:
    left = row.contender.interval if row.contender else None
    gap = row.contender.gap if row.contender else None
    return {
        "board": board_id(board.entry.scenario, board.budget),
        "entry": place,
        "budget": row.budget,
        "doubts": list(row.doubts),
        "keys": {
            "rank": row.rank.first + row.rank.last / 1000 if row.rank else None,
            "method": row.title.lower(),
            "residual": left.estimate if left else None,
            "accuracy": row.accuracy,
            "gap": gap.estimate if gap else None,
            "cost": row.cost,
            "verdict": ORDER.index(look(row.verdict)),
            "effect": row.effect,
            "status": row.status,
            "scenario": f"{row.scenario} {row.budget:.6f}",
        },
    }


def _entry(entry: Entry, pool: Pool) -> JsonValue:
    content = _short(entry.model_dump(mode="json", exclude=UNSHOWN))
    if not isinstance(content, dict):
        raise TypeError(f"an entry must dump to a mapping, got {type(content).__name__}")
    for name in ("packages", "fingerprints"):
        content["provenance"][name] = pool.place(content["provenance"][name])  # type: ignore[index,call-overload]
    content["effect"] = pool.place(content["effect"])
    content["configuration"] = pool.place(_short(entry.configuration))
    content["results"] = {repr(result.budget): [_seed(seed, pool) for seed in result.seeds] for result in entry.results}
    return content


def _seed(seed: SeedResult, pool: Pool) -> JsonValue:
    content = _short(seed.model_dump(mode="json"))
    if not isinstance(content, dict):
        raise TypeError(f"a seed must dump to a mapping, got {type(content).__name__}")
    for name in ("poisoned", "retrain", "second_retrain"):
        content[name] = pool.place(content[name])
    return content


def _short(value: JsonValue) -> JsonValue:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _short(part) for key, part in value.items()}
    return [_short(part) for part in value] if isinstance(value, list) else value
