"""One TensorBoard run as one file that depends on its content alone."""

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import RecordWriter, summary

from callbacks.functional import FloatArray

Pixels = npt.NDArray[np.uint8]
REACH = 4.0
BIN_WIDTH = 0.25


class Run:
    """Collects summaries and writes them at once.

    Unlike ``SummaryWriter`` it takes no time, host or process from where it runs: equal results give equal bytes under
    an equal name, so that writing again changes nothing, and an open TensorBoard notices when there is something new.

    Args:
        when: seconds since 1970 that all events carry.
    """

    def __init__(self, when: float = 0.0) -> None:
        self.when = when
        self._events = [Event(wall_time=when, file_version="brain.Event:2")]

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Add one point of a curve."""
        self._add(summary.scalar(tag, value), step)  # type: ignore[no-untyped-call]

    def image(self, tag: str, pixels: Pixels, step: int) -> None:
        """Add a picture ``(H, W, 3)``."""
        self._add(summary.image(tag, pixels, dataformats="HWC"), step)  # type: ignore[no-untyped-call]

    def histogram(self, tag: str, values: FloatArray, step: int) -> None:
        """Add a histogram of ``values`` ``(N,)``, finite, over an axis that is -4..4 where that holds them all."""
        reach = max(REACH, float(np.ceil(np.abs(values).max())))
        edges = np.linspace(-reach, reach, round(2 * reach / BIN_WIDTH) + 1)
        counts, _ = np.histogram(values, edges)
        sums = (values.sum(), (values**2).sum())
        histogram = summary.histogram_raw(tag, -reach, reach, len(values), *sums, edges[1:].tolist(), counts.tolist())  # type: ignore[no-untyped-call]
        self._add(histogram, step)

    def text(self, tag: str, markdown: str) -> None:
        """Add a text."""
        self._add(summary.text(tag, markdown))  # type: ignore[no-untyped-call]

    def hparams(self, settings: Mapping[str, str | float], metrics: Sequence[str]) -> None:
        """Add a row to the table of runs: ``settings``, and the last values of the curves called ``metrics``."""
        for part in summary.hparams(dict(settings), dict.fromkeys(metrics)):  # type: ignore[no-untyped-call]
            self._add(part)

    def write(self, folder: Path) -> Path:
        """Write the run into ``folder`` in place of what it held before, and return the file.

        The file is named after its content and put in place whole; only then are former files removed.
        """
        stream = io.BytesIO()
        writer = RecordWriter(stream)
        for event in self._events:
            writer.write(event.SerializeToString(deterministic=True))
        data = stream.getvalue()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"events.out.tfevents.{hashlib.sha256(data).hexdigest()[:16]}"
        if not path.exists():
            partial = folder / f".partial-{os.getpid()}"
            partial.write_bytes(data)
            partial.replace(path)
        for former in folder.glob("*tfevents*"):
            if former != path:
                former.unlink(missing_ok=True)
        return path

    def _add(self, value: Summary, step: int = 0) -> None:
        self._events.append(Event(wall_time=self.when, summary=value, step=step))
