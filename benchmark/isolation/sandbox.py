"""One sandbox: its two folders, its process, and the watch over what a job takes."""

import contextlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.isolation.limits import READY_S, Limits
from benchmark.isolation.proc import children_seconds, descendants, kill_tree, resident_bytes, threads
from benchmark.isolation.submission import SubmissionError
from benchmark.isolation.walls import INBOX, OUTBOX, SCRATCH, bubblewrap, environment, walls

POLL_S = 0.1
MAX_ANSWER = 100_000
_PREFIX = "unpoison-sandbox-"


@dataclass(frozen=True)
class Done:
    """What is known of a job that has ended, all of it from outside.

    Attributes:
        status: exit code; a signal's number with a minus.
        seconds: wall-clock.
        cpu_s: processor seconds of its process and all that it started.
        peak_bytes: peak of its process's resident set.
        log: end of what it printed.
    """

    status: int
    seconds: float
    cpu_s: float
    peak_bytes: int
    log: str


class Sandbox:
    """A process that has the libraries and runs jobs of one submission, each in a child of its own.

    Raises:
        SubmissionError: if it does not start.
    """

    def __init__(self) -> None:
        self.walls = walls()
        self._folder = _new_folder()
        self.inbox, self.outbox, scratch = (self._folder / name for name in ("in", "out", "scratch"))
        for folder in (self.inbox, self.outbox, scratch):
            folder.mkdir()
        behind = self.walls.kind == "bubblewrap"
        self._places = {
            "inbox": str(INBOX if behind else self.inbox),
            "outbox": str(OUTBOX if behind else self.outbox),
            "scratch": list(SCRATCH if behind else (str(scratch),)),
        }
        program = [sys.executable, "-m", "benchmark.isolation.zygote"]
        with (self._folder / "start.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*bubblewrap(self.inbox, self.outbox), *program] if behind else program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=scratch,
                env=environment(str(scratch)),
                bufsize=0,
                start_new_session=True,
            )
        self._owner = os.getpid()
        try:
            self._await(Limits(seconds=READY_S), lambda: None, list)
        except SubmissionError as error:
            said = one_line((self._folder / "start.log").read_text(errors="replace"))
            self.close()
            raise SubmissionError(f"the sandbox did not start: {said or error}") from error

    def run(self, job: Mapping[str, Any], limits: Limits, on_poll: Callable[[], None] = lambda: None) -> Done:
        """Run a job and wait for its end; the folders hold what was put in and what came out.

        Args:
            job: kind, file, class and settings.
            limits: above these it is killed.
            on_poll: called a few times a second.

        Raises:
            SubmissionError: if it was killed, or took the sandbox down; the sandbox is of no use then.
        """
        self._empty()
        zygote = self._zygote()
        before = children_seconds(zygote)
        began = time.monotonic()
        self._tell(dict(job) | self._places | {"limits": _resource_limits(limits, self.walls.kind)})
        answer = self._await(limits, on_poll, lambda: descendants(zygote))
        seconds = time.monotonic() - began
        on_poll()
        return Done(
            status=int(answer["status"]),
            seconds=seconds,
            cpu_s=children_seconds(zygote) - before,
            peak_bytes=int(answer["peak_bytes"]),
            log=one_line(str(answer["log"]))[-300:],
        )

    def inside(self, text: str) -> str:
        """Return text of a job with the place of its file cut away."""
        return text.replace(f"{self._places['inbox']}/", "")

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        return self._process.poll() is None and self._owner == os.getpid()

    def close(self) -> None:
        """End everything in it and remove its folders."""
        if self._owner != os.getpid():
            return
        kill_tree(self._process.pid)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(RecursionError):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _zygote(self) -> int:
        """Return the process that forks, as this side numbers it: with walls the child of bubblewrap."""
        if self.walls.kind == "process":
            return self._process.pid
        below = descendants(self._process.pid)
        if not below:
            raise SubmissionError("the sandbox has ended")
        return below[0]

    def _tell(self, job: Mapping[str, Any]) -> None:
        if self._process.stdin is None:
            raise SubmissionError("the sandbox has no input")
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
        except OSError as error:
            raise SubmissionError("the sandbox has ended") from error

    def _await(self, limits: Limits, on_poll: Callable[[], None], tree: Callable[[], list[int]]) -> Mapping[str, Any]:
        """Return the answer to a job, watching it meanwhile."""
        if self._process.stdout is None:
            raise SubmissionError("the sandbox has no output")
        descriptor, answer, seen = self._process.stdout.fileno(), b"", list[int]()
        deadline = time.monotonic() + limits.seconds
        while not answer.endswith(b"\n"):
            readable, _, _ = select.select([descriptor], [], [], POLL_S)
            if readable:
                data = os.read(descriptor, 65536)
                answer += data
                if not data or len(answer) > MAX_ANSWER:
                    self._end(seen)
                    raise SubmissionError("it took its own sandbox down")
                continue
            on_poll()
            seen = tree()
            reason = self._excess(limits, seen, deadline)
            if reason is not None:
                self._end(seen)
                raise SubmissionError(reason)
        found: Mapping[str, Any] = json.loads(answer)
        return found

    def _end(self, seen: list[int]) -> None:
        kill_tree(self._process.pid)
        for pid in seen:
            kill_tree(pid)
        self._process.wait()  # or it would pass for alive for a moment

    def _excess(self, limits: Limits, pids: list[int], deadline: float) -> str | None:
        """Return what is above the limits, in words."""
        if time.monotonic() > deadline:
            return f"killed: it had not ended after {limits.seconds:.0f} s"
        if resident_bytes(pids) > limits.memory_bytes:
            return f"killed: it used more than {limits.memory_bytes / 1024**2:.0f} MiB of memory"
        if threads(pids) > limits.processes:
            return f"killed: it ran more than {limits.processes} processes and threads"
        sizes = _sizes(self.outbox, limits.files)
        if len(sizes) > limits.files or sum(sizes) > limits.file_bytes:
            return f"killed: it wrote more than {limits.file_bytes / 1024**2:.0f} MiB or {limits.files} files"
        return None

    def _empty(self) -> None:
        try:
            for entry in self.outbox.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except (OSError, RecursionError) as error:
            self.close()
            raise SubmissionError("an earlier job left files that cannot be removed") from error


def one_line(text: str) -> str:
    """Return text without line breaks, terminal escapes and other unprintable characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _sizes(folder: Path, most: int) -> list[int]:
    """Return the bytes on disk of everything below a folder, until there is more of it than ``most``."""
    found: list[int] = []
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                found.append(os.lstat(os.path.join(place, name)).st_blocks * 512)  # noqa: PTH118 - as os.walk gives it
        if len(found) > most:
            break
    return found


def _resource_limits(limits: Limits, kind: str) -> dict[str, int]:
    found = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": limits.file_bytes, "RLIMIT_NOFILE": 1024}
    if kind == "bubblewrap":
        found["RLIMIT_NPROC"] = limits.processes
    if not torch.cuda.is_available():
        found["RLIMIT_DATA"] = limits.memory_bytes
    return found


def _new_folder() -> Path:
    """Return a new folder that only this user can enter; those of dead processes are removed."""
    place = Path(tempfile.gettempdir())
    for old in place.glob(f"{_PREFIX}*"):
        owner = re.match(rf"{_PREFIX}(\d+)-", old.name)
        if owner is not None and not Path("/proc", owner[1]).exists():
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
