"""Runs stages in worker processes that stay warm, one thread each, on this machine."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from benchmark.calls import Call
from benchmark.store import Artifact, ArtifactStore
from benchmark.workers import prepare_worker

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores(quota_file: Path = QUOTA) -> int:
    """Return how many cores this process may use: by its affinity and by its container's quota.

    Args:
        quota_file: microseconds of processor time and of the period they are given in, as Linux writes them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return cores


class LocalExecutor:
    """A pool of worker processes; a call whose worker dies is tried once more.

    Each worker computes with one thread, so that results do not depend on how many there are. Where GPUs are visible,
    each worker keeps to one of them.

    Args:
        store: where artifacts are written.
        workers: number of processes, or None for one per core (per GPU, where there are any).
        gpus: number of visible GPUs.

    Raises:
        ValueError: if ``workers`` is below 1.
    """

    def __init__(self, store: Path, workers: int | None = None, gpus: int = 0) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self._store = store
        self._slots = workers or gpus or available_cores()
        self._gpus = gpus
        self._pool = self._new_pool()
        self._lock = threading.Lock()

    @property
    def slots(self) -> int:
        """Number of worker processes."""
        return self._slots

    def submit(self, call: Call) -> "Future[tuple[Artifact, bool]]":
        """Start a call in a worker."""
        result: Future[tuple[Artifact, bool]] = Future()
        self._try(call, result, tries_left=1)
        return result

    def start(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> "Future[Result]":
        """Start a function that leaves no artifact in a worker, without another try."""
        with self._lock:
            return self._pool.submit(function, *args, **kwargs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=error is None, cancel_futures=True)

    def _try(self, call: Call, result: "Future[tuple[Artifact, bool]]", tries_left: int) -> None:
        with self._lock:
            pool = self._pool
            try:
                attempt = pool.submit(execute, call, self._store)
            except BrokenProcessPool:
                pool = self._pool = self._new_pool()
                attempt = pool.submit(execute, call, self._store)

        def hand_over(finished: "Future[tuple[Artifact, bool]]") -> None:
            if finished.cancelled():
                result.cancel()
                return
            error = finished.exception()
            if isinstance(error, BrokenProcessPool):
                with self._lock:
                    if self._pool is pool:
                        self._pool = self._new_pool()
                if tries_left:
                    threading.Thread(target=self._try, args=(call, result, tries_left - 1), daemon=True).start()
                else:
                    result.set_exception(RuntimeError("its worker process died twice (killed, or out of memory)"))
            elif error is not None:
                result.set_exception(error)
            else:
                result.set_result(finished.result())

        attempt.add_done_callback(hand_over)

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        devices: Queue[int] | None = None
        if self._gpus:
            devices = context.Queue()
            for worker in range(self._slots):
                devices.put(worker % self._gpus)
        return ProcessPoolExecutor(self._slots, mp_context=context, initializer=_initialise, initargs=(devices,))


def execute(call: Call, store: Path) -> tuple[Artifact, bool]:
    """Compute a call's artifact in the store, unless it is there by now."""
    return ArtifactStore(store).compute(call.stage, call.address, call.description, call.work)


def _initialise(devices: "Queue[int] | None") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    if devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = _nth_device(devices.get())
    prepare_worker()


def _nth_device(number: int) -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[number] if visible else str(number)


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
