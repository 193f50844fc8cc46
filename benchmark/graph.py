"""Runs stages in the order of their needs; what is in the store already is not computed again."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Literal, Protocol

from benchmark.calls import Call
from benchmark.store import Artifact, ArtifactStore


STAGES = ("craft", "train", "unlearn", "sham", "score")


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

    Raises:
        ValueError: if two tasks share a key, or a need is not among the tasks.
    """
    waiting = _checked(tasks)
    done: dict[str, Artifact] = {}
    failures: dict[str, Failure] = {}
    ready: list[tuple[int, str, Call]] = []
    running: dict[Future[tuple[Artifact, bool]], tuple[str, Call]] = {}
    while waiting or ready or running:
        for task in [task for task in waiting.values() if all(need in done or need in failures for need in task.needs)]:
            del waiting[task.key]
            broken = next((need for need in task.needs if need in failures), None)
            if broken is not None:
                failures[task.key] = Failure(task.key, f"needs {broken!r}, which failed")
                watcher.finished(task.key, task.stage, "failed")
                continue
            call = task.prepare({need: done[need] for need in task.needs})
            found = store.find(call.stage, call.address)
            if found is None:
                ready.append((STAGES.index(task.stage), task.key, call))
            else:
                done[task.key] = found
                watcher.finished(task.key, call.stage, "cached")
        ready.sort(key=lambda item: item[:2])
        busy = {call.address for _, call in running.values()}
        for item in [item for item in ready if item[2].address not in busy][: executor.slots - len(running)]:
            if item[2].address in busy:
                continue
            ready.remove(item)
            busy.add(item[2].address)
            watcher.started(item[1], item[2].stage)
            running[executor.submit(item[2])] = item[1:]
        if running:
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                key, call = running.pop(future)
                outcome = _collect(future, key, done, failures)
                watcher.finished(key, call.stage, outcome)
                for twin in [item for item in ready if item[2].address == call.address]:
                    ready.remove(twin)
                    if outcome == "failed":
                        failures[twin[1]] = Failure(twin[1], failures[key].reason)
                    else:
                        done[twin[1]] = done[key]
                    watcher.finished(twin[1], call.stage, "failed" if outcome == "failed" else "cached")
    return done, list(failures.values())


def _collect(
    future: "Future[tuple[Artifact, bool]]", key: str, done: dict[str, Artifact], failures: dict[str, Failure]
) -> Outcome:
    error = future.exception()
    if error is not None:
        text = " ".join(str(error).split())
        failures[key] = Failure(key, f"{type(error).__name__}: {text}")
        return "failed"
    artifact, computed = future.result()
    done[key] = artifact
    return "computed" if computed else "cached"


def _checked(tasks: Iterable[Task]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for task in tasks:
        if task.key in found:
            raise ValueError(f"two tasks are called {task.key!r}")
        found[task.key] = task
    for task in found.values():
        for need in task.needs:
            if need not in found:
                raise ValueError(f"task {task.key!r} needs {need!r}, which is no task")
    return found
