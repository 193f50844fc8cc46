"""What the operating system says about processes: who started whom, what they hold, what they took."""

import contextlib
import ctypes
import os
import signal
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36


def set_dumpable(dumpable: bool) -> None:
    """Allow or forbid other processes of the same user to look into the memory of this one."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of whatever descendants lose theirs."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Return the processes that ``pid`` started, directly or not, parents first."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir(_PROC):
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found = list(children.get(pid, ()))
    for one in found:
        found += children.get(one, ())
    return found


def resident_bytes(pids: list[int]) -> int:
    """Return the sum of their resident memory; what two of them share counts twice."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            total += int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    return total


def threads(pids: list[int]) -> int:
    """Return the number of their threads."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            total += int(_stat(pid)[17])
    return total


def children_seconds(pid: int) -> float:
    """Return the processor seconds of all ended children of ``pid``, and of theirs.

    Raises:
        OSError: if there is no such process.
    """
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) / _TICK


def kill_tree(pid: int) -> None:
    """Kill ``pid`` and all its descendants; they are stopped first, so that none can start another meanwhile."""
    for sign in (signal.SIGSTOP, signal.SIGKILL):
        for one in [pid, *descendants(pid)]:
            with contextlib.suppress(OSError):
                os.kill(one, sign)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat after the name: state, parent, ..."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
