"""Runs stages in the order of their needs; what is in the store already is not computed again."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Literal, Protocol

from benchmark.calls import Call
from benchmark.store import Artifact, ArtifactStore

STAGES = ("craft", "train", "unlearn", "sham", "score", "tune")


@dataclass(frozen=True)
class Task:
    """A stage whose address is known once its needs are met.

    Attributes:
        key: unique, and readable: it is what progress and errors show.
        stage: name of the stage; earlier ones of :data:`STAGES` start first.
        needs: keys of the tasks whose artifacts ``prepare`` is called with.
        prepare: returns the call, from the artifacts of ``needs``.
    """

    key: str
    stage: str
    needs: tuple[str, ...]
    prepare: Callable[[Mapping[str, Artifact]], Call]


@dataclass(frozen=True)
class Failure:
    """A task without a result, and why, in one line."""

    key: str
    reason: str


Outcome = Literal["cached", "computed", "failed"]


class Executor(Protocol):
    """Something that runs calls."""

    @property
    def slots(self) -> int:
        """How many calls may run at once."""
        ...

    def submit(self, call: Call) -> "Future[tuple[Artifact, bool]]":
        """Start a call; the result is the artifact and whether it was computed now."""
        ...


class Watcher(Protocol):
    """Something that shows progress."""

    def started(self, key: str, stage: str) -> None:
        """A task was handed to the executor."""
        ...

    def finished(self, key: str, stage: str, outcome: Outcome) -> None:
        """A task has its artifact, or failed."""
        ...


def run_graph(
    tasks: Iterable[Task], store: ArtifactStore, executor: Executor, watcher: Watcher
) -> tuple[dict[str, Artifact], list[Failure]]:
    """Run every task and return the artifacts by key, and the failures; tasks that need a failed one fail with it.

    Two tasks with one address are computed once.

    Raises:
        ValueError: if two tasks share a key, or one needs a task that does not stand before it.
    """
    scheduler = _Scheduler(_ordered(tasks), store, executor, watcher)
    while scheduler.advance():
        pass
    return scheduler.done, list(scheduler.failures.values())


@dataclass
class _Scheduler:
    waiting: dict[str, Task]
    store: ArtifactStore
    executor: Executor
    watcher: Watcher
    done: dict[str, Artifact] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    ready: dict[str, list[tuple[Task, Call]]] = field(default_factory=dict)
    running: "dict[Future[tuple[Artifact, bool]], str]" = field(default_factory=dict)

    def advance(self) -> bool:
        """Prepare what can be prepared, start what can be started, wait for one result; False at the end."""
        for task in list(self.waiting.values()):
            if all(need in self.done or need in self.failures for need in task.needs):
                del self.waiting[task.key]
                self._prepare(task)
        self._start()
        if self.running:
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                self._collect(future)
        return bool(self.waiting or self.ready)

    def _prepare(self, task: Task) -> None:
        broken = next((need for need in task.needs if need in self.failures), None)
        if broken is not None:
            self._fail(task, f"needs {broken!r}, which failed")
            return
        call = task.prepare({need: self.done[need] for need in task.needs})
        found = self.store.find(call.stage, call.address)
        if found is None:
            self.ready.setdefault(call.address, []).append((task, call))
        else:
            self._finish(task, found, "cached")

    def _start(self) -> None:
        busy = set(self.running.values())
        startable = [address for address in self.ready if address not in busy]
        startable.sort(key=lambda address: STAGES.index(self.ready[address][0][0].stage))
        for address in startable[: self.executor.slots - len(self.running)]:
            task, call = self.ready[address][0]
            self.watcher.started(task.key, task.stage)
            self.running[self.executor.submit(call)] = address

    def _collect(self, future: "Future[tuple[Artifact, bool]]") -> None:
        twins = [task for task, _ in self.ready.pop(self.running.pop(future))]
        error = future.exception()
        if error is not None:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            for task in twins:
                self._fail(task, reason)
            return
        artifact, computed = future.result()
        for task in twins:
            self._finish(task, artifact, "computed" if computed and task is twins[0] else "cached")

    def _finish(self, task: Task, artifact: Artifact, outcome: Outcome) -> None:
        self.done[task.key] = artifact
        self.watcher.finished(task.key, task.stage, outcome)

    def _fail(self, task: Task, reason: str) -> None:
        self.failures[task.key] = Failure(task.key, reason)
        self.watcher.finished(task.key, task.stage, "failed")


def _ordered(tasks: Iterable[Task]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for task in tasks:
        if task.key in found:
            raise ValueError(f"two tasks are called {task.key!r}")
        for need in task.needs:
            if need not in found:
                raise ValueError(f"task {task.key!r} needs {need!r}, which does not stand before it")
        found[task.key] = task
    return found
