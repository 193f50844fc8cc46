"""The process that a sandbox keeps: it has the libraries, never a submission, and forks one child for each job.

Started as ``python -m benchmark.isolation.zygote``. It reads jobs from its standard input and answers on its standard
output, one line of JSON each. Behind walls it is process 1 of its own world: nothing in there can kill it or look into
it, and when a job has ended it kills whatever else lives.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from benchmark.isolation.child import work
from benchmark.isolation.exchange import network_spec
from benchmark.isolation.proc import adopt_orphans, descendants, set_dumpable
from benchmark.isolation.traces import remove_traces
from benchmark.workers import prepare_worker
from lightning_modules import build_network

KEPT_LOG = 4000
"""Bytes of the end of what a child prints."""

_warm: set[str] = set()


def main() -> None:
    """Serve jobs until the other side is gone."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_dumpable(False)
    adopt_orphans()
    prepare_worker()
    gc.freeze()
    _answer(outgoing, {"ready": True})
    for line in _lines(incoming):
        _answer(outgoing, _serve(json.loads(line), incoming, outgoing))


def _serve(job: Mapping[str, Any], incoming: int, outgoing: int) -> dict[str, Any]:
    _prepare(job)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (incoming, outgoing, reading):
            os.close(descriptor)
        _be_child(job, writing)
    os.close(writing)
    with contextlib.closing(_Log(reading)) as log:
        _wait(child, log, incoming)
        _, status, usage = os.wait4(child, 0)
        _kill_the_rest()
        log.read()
    remove_traces(map(Path, job["scratch"]), Path(job["outbox"]), alone=os.getpid() == 1)
    return {"status": os.waitstatus_to_exitcode(status), "peak_bytes": usage.ru_maxrss * 1024, "log": log.text}


def _prepare(job: Mapping[str, Any]) -> None:
    """Build the network of the job once, so that children find the libraries imported that it needs."""
    network = job.get("network")
    if network is not None and network["name"] not in _warm:
        build_network(network_spec(network), 0)
        _warm.add(network["name"])
        gc.freeze()


def _be_child(job: Mapping[str, Any], log: int) -> NoReturn:
    code = 1
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        for name, value in job["limits"].items():
            kind = getattr(resource, name)
            _, hard = resource.getrlimit(kind)
            limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (limit, limit))
        set_dumpable(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = work(job)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wait(child: int, log: "_Log", incoming: int) -> None:
    """Wait until the child has ended; end with everything where the other side is gone."""
    ended = os.pidfd_open(child)
    try:
        while True:
            readable, _, _ = select.select([ended, incoming, *log.descriptors], [], [])
            if incoming in readable:
                _kill_the_rest()
                os._exit(1)
            log.read()
            if ended in readable:
                return
    finally:
        os.close(ended)


def _kill_the_rest() -> None:
    """Kill and reap everything but this process: all of its world, or, without walls, all its descendants."""
    while True:
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.wait4(-1, 0)
        except ChildProcessError:
            return


class _Log:
    """The end of what a child prints."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptors = [descriptor]
        self._kept = b""

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace")

    def read(self) -> None:
        for descriptor in list(self.descriptors):
            with contextlib.suppress(BlockingIOError):
                for _ in range(16):  # whoever prints without end does not keep us here
                    data = os.read(descriptor, 65536)
                    if not data:
                        self.close()
                        break
                    self._kept = (self._kept + data)[-KEPT_LOG:]

    def close(self) -> None:
        while self.descriptors:
            os.close(self.descriptors.pop())


def _lines(descriptor: int) -> Iterator[bytes]:
    kept = b""
    while data := os.read(descriptor, 65536):
        *lines, kept = (kept + data).split(b"\n")
        yield from lines


def _answer(descriptor: int, answer: Mapping[str, Any]) -> None:
    left = json.dumps(answer).encode() + b"\n"
    while left:
        left = left[os.write(descriptor, left) :]


if __name__ == "__main__":
    main()
