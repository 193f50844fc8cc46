"""How much a submission may take of the machine, and how much time its ledger explains."""

import os
from dataclasses import dataclass

GIB = 1024**3
READY_S = 180.0
"""Seconds that a sandbox may take to import the libraries."""


def _half_of_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError):
        return 8 * GIB


@dataclass(frozen=True)
class Limits:
    """What one job of a submission may take; above it the job is killed.

    Attributes:
        memory_bytes: resident memory of its process and all that it started; by default half of the machine's, at
            most 8 GiB.
        file_bytes: size of all files that it hands back.
        files: their number.
        processes: processes and threads at once.
        seconds: wall-clock.
    """

    memory_bytes: int = min(8 * GIB, _half_of_memory())
    file_bytes: int = 64 * 1024**2
    files: int = 64
    processes: int = 128
    seconds: float = 900.0


DESCRIBE = Limits(file_bytes=1024**2, seconds=120.0)
"""Limits of saying who it is."""

CHECK = Limits(file_bytes=4 * 1024**2, seconds=1200.0)
"""Limits of all conformance checks together."""

EXPLAINED_FACTOR, START_UP_S = 1.5, 0.6
"""Seconds that a ledger explains: a multiple of training's a pass, and a constant for start-up.

Measured on copies of the shipped methods: 1.4 times, start-up included, is the most (SSD on MiniLM and on the CNN for
CIFAR-10; on digits start-up is most of it). A method that trains three times as much behind its ledger's back takes 1.7
times on MiniLM, where it gains from mixed precision, and over 3 times elsewhere.
"""

DEADLINE_FACTOR, DEADLINE_S = 20.0, 300.0


@dataclass(frozen=True)
class Pace:
    """How fast a machine trains a network.

    Attributes:
        seconds: that some training took.
        passes: network passes it made.
    """

    seconds: float
    passes: float

    def explained(self, passes: float) -> float:
        """Return the seconds that ``passes`` explain: a multiple of what training took, and a constant for start-up."""
        return EXPLAINED_FACTOR * passes * self.seconds / self.passes + START_UP_S

    def deadline(self, passes: float) -> float:
        """Return the wall-clock seconds after which a method with a budget of ``passes`` is stopped."""
        return DEADLINE_FACTOR * passes * self.seconds / self.passes + DEADLINE_S
