"""Asks a submission who it is, and whether it takes some settings, without importing it here."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from benchmark.isolation.handed_back import Strict, read_json
from benchmark.isolation.limits import DESCRIBE, Limits
from benchmark.isolation.names import DESCRIPTION_FILE, ERROR_FILE
from benchmark.isolation.pool import sandbox_of
from benchmark.isolation.sandbox import Done, Sandbox, one_line
from benchmark.isolation.submission import Setting, Submission, SubmissionError, source_digest, split_reference
from lightning_modules import MethodCard


def _printable(text: str) -> str:
    if one_line(text) != " ".join(text.split()) or not text.strip():
        raise ValueError("must be printable text")
    return " ".join(text.split())


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float | bool | None):
        raise ValueError("must be a string, a number, true, false or null")  # noqa: TRY004 - for pydantic
    return value


Text = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}$")]


class Card(Strict):
    """See :class:`lightning_modules.MethodCard`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,59}$")]
    title: Annotated[str, Field(max_length=100), AfterValidator(_printable)]
    paper: Text
    formula: Text
    source: Text
    deviations: Text


class Description(Strict):
    """What a submission says of itself."""

    class_name: Identifier
    card: Card
    defaults: Annotated[
        dict[Identifier, Annotated[str | int | float | bool | None, BeforeValidator(_scalar)]], Field(max_length=50)
    ]
    modalities: Annotated[list[Literal["image", "text"]], Field(min_length=1, max_length=2)]


class Complaint(Strict):
    """Why a job failed, as its process said."""

    error: Annotated[str, Field(max_length=100_000)]


def describe(reference: str) -> Submission:
    """Return who a submission is; a process gets the same answer for the same file.

    Args:
        reference: ``path/to/file.py:Class``; the class may be left out where the file has only one.

    Raises:
        ValueError: if the file or class does not exist, cannot be imported, or breaks a rule: one clear line.
        SubmissionError: if its process ended otherwise.
    """
    path, class_name = split_reference(reference)
    return _described(path, class_name, path.read_bytes())


@lru_cache(maxsize=16)
def _described(path: Path, class_name: str, content: bytes) -> Submission:
    sha256 = hashlib.sha256(content).hexdigest()
    sandbox = sandbox_of(path.name, sha256, content)
    run_job(sandbox, {"kind": "describe", "file": path.name, "class_name": class_name}, DESCRIBE)
    said = read_json(sandbox.outbox / DESCRIPTION_FILE, Description)
    if class_name not in {"", said.class_name}:
        raise ValueError(f"{path.name} was asked for {class_name!r} and answers for {said.class_name!r}")
    try:
        source = source_digest(content, said.class_name)
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from error
    return Submission(
        reference=f"{path}:{said.class_name}",
        file=path.name,
        class_name=said.class_name,
        sha256=sha256,
        source=source,
        card=MethodCard(**said.card.model_dump()),
        defaults=said.defaults,
        modalities=tuple(said.modalities),
        content=content,
    )


def construct(submission: Submission, settings: Mapping[str, Setting]) -> None:
    """Have a submission take some settings.

    Args:
        submission: who.
        settings: every argument of its ``__init__``.

    Raises:
        ValueError: if it refuses them.
        SubmissionError: if its process ended otherwise.
    """
    sandbox = sandbox_of(submission.file, submission.sha256, submission.content)
    run_job(sandbox, job_of("construct", submission, settings), DESCRIBE)


def job_of(kind: str, submission: Submission, settings: Mapping[str, Setting]) -> dict[str, Any]:
    """Return a job as the sandbox takes it."""
    return {
        "kind": kind,
        "file": submission.file,
        "class_name": submission.class_name,
        "settings": dict(settings),
    }


def run_job(sandbox: Sandbox, job: Mapping[str, Any], limits: Limits) -> Done:
    """Run a job in which a failure is the user's mistake.

    Raises:
        ValueError: if the job says why it failed.
        SubmissionError: if its process ended otherwise.
    """
    done = sandbox.run(job, limits)
    if done.status:
        raise ValueError(complaint(sandbox, done, str(job["file"])))
    return done


def complaint(sandbox: Sandbox, done: Done, file: str) -> str:
    """Return one line on a job that failed: what its process wrote down, or how it ended."""
    try:
        said = read_json(sandbox.outbox / ERROR_FILE, Complaint).error
        return sandbox.inside(one_line(said))[:500]
    except SubmissionError:
        how = f"was killed by signal {-done.status}" if done.status < 0 else f"ended with exit code {done.status}"
        return f"the process of {file} {how}{': ' + done.log if done.log else ''}"
