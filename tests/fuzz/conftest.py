"""How malformed input is generated, counted, and what must become of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Fuzz = Callable[..., None]


@pytest.fixture
def fuzz() -> Fuzz:
    """Calls a check with ``cases`` different examples of a strategy, the same in every run, and counts them."""

    def run(strategy: st.SearchStrategy[Any], check: Callable[[Any], None], cases: int) -> None:
        seen: set[str] = set()

        @settings(
            max_examples=2 * cases,
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def try_one(example: Any) -> None:
            if len(seen) < cases and repr(example) not in seen:
                check(example)
                seen.add(repr(example))

        try_one()
        assert len(seen) == cases, f"only {len(seen)} different cases"

    return run


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls a command line that must refuse: exit code 2, one line on stderr, nothing on stdout; returns the line."""

    def call(main: Callable[[list[str]], int], arguments: list[str]) -> str:
        capsys.readouterr()
        code = main(arguments)
        out, line = capsys.readouterr()
        assert code == 2, f"exit code {code} for {arguments}: {out}{line}"
        assert out == ""
        assert line.count("\n") == 1, line
        assert ": error: " in line
        assert len(line) < 2000
        assert "Traceback" not in line
        return line

    return call


def change(document: Any, path: tuple[Any, ...], edit: Callable[[Any, Any], None]) -> Any:
    """Return a copy of a document after ``edit(parent, key)`` of what ``path`` leads to."""
    document = json.loads(json.dumps(document))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    edit(parent, path[-1])
    return document


@pytest.fixture(scope="session")
def changed() -> Callable[..., Any]:
    """See `change`."""
    return change


MODEL = {"effect": 0.5, "accuracy": 0.7, "extra": {"loss/test": 1.0, "z": None}}


def _seed(number: int) -> dict[str, Any]:
    return {
        "seed": number,
        "unlearned": MODEL,
        "poisoned": MODEL,
        "retrain": MODEL,
        "second_retrain": MODEL,
        "cost": {
            "forward_passes": 10.0,
            "backward_passes": 20.0,
            "passes": 30.0,
            "training_passes": 300.0,
            "wall_clock_s": 1.5,
            "peak_memory_bytes": 1000,
            "flops": 1e9,
            "device": "cpu",
            "stopped_by_budget": True,
        },
        "addresses": {"unlearn": "a" * 64, "score": "b" * 64, "craft": "c" * 64},
    }


@pytest.fixture(scope="session")
def entry() -> dict[str, Any]:
    """A valid entry, as JSON data, without what may be left out."""
    return {
        "schema_version": 1,
        "scenario": "toy-v1",
        "suite": "mini",
        "modality": "image",
        "attack": "gaussian",
        "corpus": "toy",
        "network": "cnn",
        "method": {
            "name": "gd",
            "title": "GD",
            "paper": "nobody 2020",
            "formula": "w - lr g",
            "source": "the paper",
            "kind": "unlearner",
        },
        "hyperparameters": {"lr": 0.01, "schedule": "cosine", "epochs": None},
        "configuration": {"seeds": [0, 1], "recipe": {"lr": 0.1}},
        "effect": {"name": "mu", "title": "mean correlation", "lower_bound": -10.0, "upper_bound": 10.0},
        "results": [{"budget": 0.04, "seeds": [_seed(0), _seed(1)]}, {"budget": 0.1, "seeds": [_seed(0), _seed(1)]}],
        "status": "claimed",
        "provenance": {
            "commit": "abc",
            "dirty": False,
            "packages": {"torch": "2.9"},
            "python": "3.11",
            "platform": "linux",
            "device": "cpu",
            "precision": "32-true",
            "command": "python -m benchmark run",
            "created": "2026-01-02T03:04:05Z",
            "fingerprints": {"train": "def"},
        },
    }


@pytest.fixture(scope="session")
def as_text() -> Callable[[Any], str]:
    """JSON text of a document."""
    return lambda document: json.dumps(document, indent=1)
