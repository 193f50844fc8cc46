import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from benchmark.calls import Call
from benchmark.executors import LocalExecutor, available_cores

WORKS = """
import os
import time
from pathlib import Path

def process(folder):
    import torch
    return {"process": os.getpid(), "threads": torch.get_num_threads()}

def fail(folder):
    raise ValueError("not today")

def die_once(mark, folder):
    if not Path(mark).exists():
        Path(mark).write_text("died")
        os.kill(os.getpid(), 9)
    return {"process": os.getpid()}

def die(folder):
    os.kill(os.getpid(), 9)

def wait_long(mark, folder):
    Path(mark).write_text(str(os.getpid()))
    time.sleep(60)
"""


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Work that worker processes can import."""
    (tmp_path / "executor_works.py").write_text(WORKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("executor_works")
    sys.modules.pop("executor_works")


def call(name: str, work: object) -> Call:
    return Call("train", {"name": name}, work)  # type: ignore[arg-type]


def test_workers_stay_warm_and_use_one_thread(works: ModuleType, tmp_path: Path) -> None:
    with LocalExecutor(tmp_path / "store", workers=1) as executor:
        futures = [executor.submit(call(str(number), works.process)) for number in range(3)]
        metas = [future.result()[0].meta for future in futures]
    assert len({meta["process"] for meta in metas}) == 1
    assert metas[0]["process"] != os.getpid()
    assert {meta["threads"] for meta in metas} == {1}


def test_errors_dead_workers_and_retries(works: ModuleType, tmp_path: Path) -> None:
    with LocalExecutor(tmp_path / "store", workers=1) as executor:
        assert "not today" in str(executor.submit(call("fails", works.fail)).exception())
        once = executor.submit(call("dies once", partial(works.die_once, str(tmp_path / "mark"))))
        assert once.result()[1]
        always = executor.submit(call("dies", works.die))
        wait([always])
        assert "its worker process died twice" in str(always.exception())
        assert executor.submit(call("after", works.process)).result()[1]


def test_workers_end_with_a_killed_parent(works: ModuleType, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = (
        "from functools import partial\nfrom pathlib import Path\nimport executor_works\n"
        "from benchmark.calls import Call\nfrom benchmark.executors import LocalExecutor\n"
        "if __name__ == '__main__':\n"
        f"    executor = LocalExecutor(Path({str(tmp_path / 'store')!r}), workers=1)\n"
        f"    work = partial(executor_works.wait_long, {str(mark)!r})\n"
        "    executor.submit(Call('train', {'name': 'long'}, work)).result()\n"
    )
    file = tmp_path / "parent.py"
    file.write_text(script)
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, str(tmp_path)])
    parent = subprocess.Popen([sys.executable, str(file)], env=os.environ | {"PYTHONPATH": paths})
    worker = int(_eventually(lambda: mark.exists() and mark.read_text()))
    parent.kill()
    parent.wait()
    assert _eventually(lambda: not _alive(worker))


def test_workers_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        LocalExecutor(tmp_path, workers=0)


@pytest.mark.parametrize(
    ("quota", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("900000000 100000", None)]
)
def test_cores_respect_affinity_and_quota(quota: str, cores: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    everything = available_cores(tmp_path / "nowhere")
    assert 1 <= everything <= (os.cpu_count() or 1)
    assert available_cores(tmp_path / "cpu.max") == (cores or everything)


def _alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().split()[2] != "Z"


def _eventually(condition: object, seconds: float = 60) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()  # type: ignore[operator]
        if value:
            return str(value)
        time.sleep(0.1)
    raise TimeoutError
