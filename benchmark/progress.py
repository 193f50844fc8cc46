"""Shows how far a run is: done, running, left, and an estimate of the time that is left."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmark.graph import Outcome

QUIET_INTERVAL_S = 15.0
WEIGHTS = {"craft": 0.1, "train": 1.0, "unlearn": 0.1, "sham": 0.02, "score": 0.1}
"""What a task of each stage usually takes, as a share of a training."""


class Display:
    """A live bar on a terminal, and a line now and then elsewhere.

    The estimate adds, for each stage, the mean time its tasks took so far times how many are left, over the workers. A
    stage of which none has ended yet is taken for its usual share of a training.

    Args:
        stages: the stage of every task.
        slots: how many run at once.
        console: where to draw.
    """

    def __init__(self, stages: Iterable[str], slots: int, console: Console) -> None:
        self._left = Counter(stages)
        self._total = total = self._left.total()
        self._slots = slots
        self._console = console
        self._running: dict[str, float] = {}
        self._spent: dict[str, list[float]] = defaultdict(list)
        self._counts = {"cached": 0, "computed": 0, "failed": 0}
        self._last_line = time.monotonic()
        self._progress = Progress(
            TextColumn("[bold]cells"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("[dim]{task.fields[now]}"),
            console=console,
        )
        self._task = self._progress.add_task("cells", total=total, left="", now="")
        self._live = Live(self._progress, console=console, refresh_per_second=4) if console.is_terminal else None

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks came from the store, were computed, or failed."""
        return dict(self._counts)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        else:
            self._console.print(self._line(), highlight=False)

    def started(self, key: str, stage: str) -> None:  # noqa: ARG002
        """Note that a task runs."""
        self._running[key] = time.monotonic()
        self._draw()
        if self._live is None and time.monotonic() - self._last_line >= QUIET_INTERVAL_S:
            self._console.print(self._line(), highlight=False)
            self._last_line = time.monotonic()

    def finished(self, key: str, stage: str, outcome: Outcome) -> None:
        """Note that a task ended."""
        began = self._running.pop(key, None)
        if began is not None and outcome == "computed":
            self._spent[stage].append(time.monotonic() - began)
        self._counts[outcome] += 1
        self._left[stage] -= 1
        self._draw()

    def _draw(self) -> None:
        done = sum(self._counts.values())
        now = ", ".join(self._running)
        self._progress.update(self._task, completed=done, left=self._estimate(), now=now)

    def _line(self) -> str:
        counts = self._counts
        done = sum(counts.values())
        text = f"{done}/{self._total} cells done ({counts['cached']} from the store), {len(self._running)} running"
        text += f", {counts['failed']} failed" if counts["failed"] else ""
        return f"{text}, {self._total - done - len(self._running)} waiting; {self._estimate()}".rstrip("; ")

    def _estimate(self) -> str:
        times = [seconds for spent in self._spent.values() for seconds in spent]
        if not times or not self._left.total():
            return ""
        training = sum(times) / sum(WEIGHTS[stage] * len(spent) for stage, spent in self._spent.items())
        means = {stage: sum(spent) / len(spent) for stage, spent in self._spent.items()}
        expected = (left * means.get(stage, WEIGHTS[stage] * training) for stage, left in self._left.items())
        seconds = sum(expected) / self._slots
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
