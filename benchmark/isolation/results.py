"""Results of checks, read while they are written by a process that is not trusted."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from benchmark.conformance.result import CheckResult
from benchmark.isolation.handed_back import Strict, read_plain
from benchmark.isolation.names import RESULTS_FILE
from benchmark.isolation.sandbox import one_line
from benchmark.isolation.submission import SubmissionError

MAX_BYTES, MAX_RESULTS, MAX_DETAIL = 1_000_000, 200, 1000


class _Result(Strict):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
    status: Literal["passed", "failed", "declared exception", "not run"]
    detail: str
    seconds: Annotated[float, Field(ge=0)]


class ResultReader:
    """Reads a file of results as it grows.

    Args:
        outbox: the folder in which it appears.
        on_result: is handed each result once.

    Attributes:
        results: those read so far.
    """

    def __init__(self, outbox: Path, on_result: Callable[[CheckResult], None]) -> None:
        self.results: list[CheckResult] = []
        self._path = outbox / RESULTS_FILE
        self._on_result = on_result

    def read(self) -> None:
        """Read what has come since the last time.

        Raises:
            SubmissionError: if a line is no result.
        """
        if not self._path.exists():
            return
        lines = read_plain(self._path, MAX_BYTES).split(b"\n")[:-1]
        for line in lines[len(self.results) : MAX_RESULTS]:
            try:
                said = _Result.model_validate_json(line)
            except ValidationError as error:
                raise SubmissionError(f"{RESULTS_FILE} is malformed") from error
            detail = one_line(said.detail)[:MAX_DETAIL]
            result = CheckResult(said.name, said.status, detail, said.seconds)
            self.results.append(result)
            self._on_result(result)
