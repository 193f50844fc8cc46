import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmark.calls import Call
from benchmark.graph import Failure, Task, run_graph
from benchmark.store import Artifact, ArtifactStore


class Inline:
    """An executor that computes at once, and remembers the order."""

    def __init__(self, store: ArtifactStore) -> None:
        self.store = store
        self.slots = 1
        self.order: list[str] = []

    def submit(self, call: Call) -> "Future[tuple[Artifact, bool]]":
        future: Future[tuple[Artifact, bool]] = Future()
        self.order.append(str(call.description["name"]))
        try:
            future.set_result(self.store.compute(call.stage, call.address, call.description, call.work))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


class Watcher:
    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def started(self, key: str, stage: str) -> None:
        pass

    def finished(self, key: str, stage: str, outcome: str) -> None:
        self.outcomes[key] = outcome


def task(name: str, *needs: str, stage: str = "train", work: Callable[[Path], Mapping[str, Any]] | None = None) -> Task:
    def prepare(artifacts: Mapping[str, Artifact]) -> Call:
        inputs = {need: artifacts[need].address for need in needs}
        done = work or (lambda _: {"name": name})
        return Call(stage, {"name": name.partition("=")[0], "inputs": inputs}, done)

    return Task(name, stage, needs, prepare)


def fail(_: Path) -> Mapping[str, Any]:
    raise RuntimeError("two\nlines")


@pytest.fixture
def executor(tmp_path: Path) -> Inline:
    return Inline(ArtifactStore(tmp_path / "store"))


def run(executor: Inline, tasks: list[Task]) -> tuple[dict[str, Artifact], list[Failure], dict[str, str]]:
    watcher = Watcher()
    done, failures = run_graph(tasks, executor.store, executor, watcher)
    return done, failures, watcher.outcomes


def test_needs_come_first_and_their_artifacts_are_handed_on(executor: Inline) -> None:
    done, failures, _ = run(executor, [task("a", stage="craft"), task("b", "a"), task("c", "a", "b", stage="score")])
    assert executor.order == ["a", "b", "c"]
    assert set(done) == {"a", "b", "c"}
    assert failures == []


def test_a_second_run_computes_nothing(executor: Inline) -> None:
    tasks = [task("a"), task("b", "a")]
    run(executor, tasks)
    executor.order.clear()
    _, _, outcomes = run(executor, tasks)
    assert executor.order == []
    assert outcomes == {"a": "cached", "b": "cached"}


def test_tasks_with_one_address_are_computed_once(executor: Inline) -> None:
    done, _, outcomes = run(executor, [task("a=1"), task("a=2")])
    assert executor.order == ["a"]
    assert done["a=1"].address == done["a=2"].address
    assert sorted(outcomes.values()) == ["cached", "computed"]


def test_no_call_is_started_twice_while_it_runs(executor: Inline) -> None:
    pool = ThreadPoolExecutor(3)
    started: list[str] = []

    class Parallel:
        slots = 3

        def submit(self, call: Call) -> "Future[tuple[Artifact, bool]]":
            started.append(call.address)
            return pool.submit(executor.store.compute, call.stage, call.address, call.description, call.work)

    def slow(_: Path) -> Mapping[str, Any]:
        time.sleep(0.2)
        return {}

    tasks = [task("quick"), task("a", work=slow), task("b", "quick"), task("c", "b"), task("d", work=slow)]
    done, _ = run_graph(tasks, executor.store, Parallel(), Watcher())
    pool.shutdown()
    assert len(started) == len(set(started)) == len(done) == 5


def test_earlier_stages_start_first(executor: Inline) -> None:
    run(executor, [task("score", stage="score"), task("train"), task("craft", stage="craft")])
    assert executor.order == ["craft", "train", "score"]


def test_a_failure_stops_only_what_needs_it(executor: Inline) -> None:
    tasks = [task("bad", work=fail), task("good"), task("after", "bad"), task("later", "after")]
    done, failures, outcomes = run(executor, tasks)
    assert set(done) == {"good"}
    assert {failure.key: failure.reason for failure in failures} == {
        "bad": "RuntimeError: two lines",
        "after": "needs 'bad', which failed",
        "later": "needs 'after', which failed",
    }
    assert outcomes["later"] == "failed"


def test_a_failure_is_tried_again_by_the_next_run(executor: Inline) -> None:
    run(executor, [task("a", work=fail)])
    done, failures, _ = run(executor, [task("a")])
    assert set(done) == {"a"}
    assert failures == []


def test_two_tasks_of_one_name_are_refused(executor: Inline) -> None:
    with pytest.raises(ValueError, match="two tasks are called 'a'"):
        run(executor, [task("a"), task("a")])


def test_a_need_must_stand_before(executor: Inline) -> None:
    with pytest.raises(ValueError, match="'b' needs 'a', which does not stand before it"):
        run(executor, [task("b", "a"), task("a")])
