"""What a job may take: it is killed above it, and the next job finds a working sandbox."""

import os
import time
from dataclasses import replace

import pytest

from benchmark.isolation import SubmissionError
from benchmark.isolation.limits import DEADLINE_FACTOR, DEADLINE_S, EXPLAINED_FACTOR, GIB, START_UP_S, Limits, Pace
from benchmark.isolation.pool import sandbox_of

CODE = {
    "for_ever": "import time\nwhile True: time.sleep(1)",
    "memory": """
import os, time
for _ in range(3):
    if os.fork() == 0: kept = bytearray(500_000_000); time.sleep(30)
time.sleep(30)""",
    "bomb": "import os, time\nfor _ in range(30):\n    if os.fork() == 0: time.sleep(30)\ntime.sleep(30)",
    "files": "import time\nfor n in range(20): open(f'{OUT}/{n}', 'w').close()\ntime.sleep(30)",
    "disk": "for n in range(3): open(f'{OUT}/{n}', 'wb').write(bytes(900_000))\nimport time; time.sleep(30)",
}
LIMITS = Limits(memory_bytes=40 * GIB, file_bytes=1_000_000, files=8, processes=16, seconds=20)


def run(text: str, limits: Limits = LIMITS):
    """Import ``text`` where a submission is imported."""
    sandbox = sandbox_of("job.py", "sha", b"")
    (sandbox.inbox / "job.py").write_text(text.replace("{OUT}", sandbox._places["outbox"]))
    return sandbox.run({"kind": "describe", "file": "job.py", "class_name": "", "settings": {}}, limits)


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("for_ever", {"seconds": 2.0}, "had not ended after 2 s"),
        ("memory", {"memory_bytes": 3 * GIB}, "more than 3072 MiB of memory"),
        ("bomb", {}, "more than 16 processes and threads"),
        ("files", {}, "8 files"),
        ("disk", {}, "more than 1 MiB"),
    ],
)
def test_a_job_above_a_limit_is_killed(name, changes, told) -> None:
    began = time.monotonic()
    with pytest.raises(SubmissionError, match=told):
        run(CODE[name], replace(LIMITS, **changes))
    assert time.monotonic() - began < 120


def test_after_a_job_nothing_of_it_lives_and_the_processor_seconds_of_all_count() -> None:
    text = """
import os, time
def burn(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds: pass
if os.fork() == 0:
    burn(0.6)
    os._exit(0)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(60)
    os._exit(0)
os.wait()
burn(0.3)
time.sleep(0.8)
raise ValueError('done')
"""
    done = run(text)
    sandbox = sandbox_of("job.py", "sha", b"")
    assert done.status == 1
    assert 0.85 < done.cpu_s < 3
    assert sandbox.alive
    again = run("raise ValueError('quick')")
    assert again.cpu_s < 0.5
    assert again.seconds < 10
    from benchmark.isolation.proc import descendants  # noqa: PLC0415

    assert descendants(sandbox._zygote()) == []


def test_what_it_prints_is_kept_at_its_end_only() -> None:
    done = run("import os\nprint('x' * 300_000)\nos.write(2, b'\\x1b[2Jthe end')\nos._exit(3)")
    assert done.status == 3
    assert done.log.endswith("[2Jthe end")
    assert len(done.log) <= 300
    assert done.log.isprintable()


def test_a_job_finds_nothing_of_the_one_before() -> None:
    run("import os; open(os.environ['HOME'] + '/note', 'w').close()")
    done = run("import os; os._exit(9 if os.path.exists(os.environ['HOME'] + '/note') else 5)")
    assert done.status == 5


def test_a_job_that_asks_for_too_much_memory_at_once_is_refused_it() -> None:
    done = run("kept = bytearray(8_000_000_000)", replace(LIMITS, memory_bytes=3 * GIB))
    assert done.status == 1
    assert "MemoryError" in (sandbox_of("job.py", "sha", b"").outbox / "error.json").read_text()


def test_the_time_that_a_ledger_explains() -> None:
    pace = Pace(seconds=10.0, passes=1000.0)
    assert pace.explained(0) == START_UP_S
    assert pace.explained(100) == pytest.approx(START_UP_S + EXPLAINED_FACTOR * 1.0)
    assert pace.deadline(100) == pytest.approx(DEADLINE_S + DEADLINE_FACTOR * 1.0)


def test_default_limits() -> None:
    assert Limits().memory_bytes <= 8 * 1024**3
    assert Limits().memory_bytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
