import dataclasses
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from benchmark.calls import Call
from benchmark.executors.local import execute
from benchmark.scenario import Scenario
from benchmark.scenarios import get_scenarios
from benchmark.store import Artifact


class Inline:
    """An executor in this process; dies at call number ``dies_at``."""

    slots = 1
    dies_at: ClassVar[int | None] = None
    calls: ClassVar[list[Call]] = []

    def __init__(self, store: Path, *_: object) -> None:
        self.store = store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, call: Call) -> "Future[tuple[Artifact, bool]]":
        return self.start(self._run, call)

    def start(self, function: Callable[..., Any], *args: object) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future

    def _run(self, call: Call) -> tuple[Artifact, bool]:
        type(self).calls.append(call)
        if len(self.calls) == self.dies_at:
            raise RuntimeError("killed")
        return execute(call, self.store)


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> type[Inline]:
    Inline.calls, Inline.dies_at = [], None
    monkeypatch.setattr("benchmark.tuning.command.LocalExecutor", Inline)
    monkeypatch.setattr("benchmark.run.LocalExecutor", Inline)
    return Inline


@pytest.fixture(scope="session")
def short() -> Scenario:
    """Digits, trained for two epochs."""
    (scenario,) = get_scenarios("digits-gaussian-cnn-v1")
    return dataclasses.replace(scenario, recipe=dataclasses.replace(scenario.recipe, epochs=2), snapshots=0)
