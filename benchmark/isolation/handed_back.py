"""What a submission handed back, checked before it is used: safetensors, and JSON by schema, nothing else."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from benchmark.isolation.sandbox import one_line
from benchmark.isolation.submission import SubmissionError

MAX_JSON = 200_000
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Parsed = TypeVar("Parsed", bound=BaseModel)


class Strict(BaseModel):
    """Base of what is read from a submission: no unknown keys, finite numbers, no coercion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PlanRecord(Strict):
    """The plan as the submission's process made it; see :class:`lightning_modules.Plan`."""

    steps: Count
    epochs: Count
    passes: Amount
    cut: bool


class SnapshotRecord(Strict):
    """When a snapshot was taken."""

    step: Count
    passes: Amount


class LedgerRecord(Strict):
    """The ledger as the submission's process kept it."""

    forward_passes: Amount
    backward_passes: Amount
    wall_clock_s: Amount
    refused: bool
    plan: PlanRecord
    snapshots: list[SnapshotRecord]

    @property
    def passes(self) -> float:
        """All network passes."""
        return self.forward_passes + self.backward_passes


def read_ledger(folder: Path, name: str, budget: float, snapshots: int) -> LedgerRecord:
    """Return the ledger.

    Args:
        folder: what the submission wrote into.
        name: of the file.
        budget: network passes that it was given.
        snapshots: how many it may hand back.

    Raises:
        SubmissionError: if there is none, it is malformed, or it says what cannot be.
    """
    ledger = read_json(folder / name, LedgerRecord)
    if ledger.passes > budget + 1e-6:
        raise SubmissionError(f"{name} says {ledger.passes:g} network passes, the budget is {budget:g}")
    if len(ledger.snapshots) > snapshots:
        raise SubmissionError(f"{name} names {len(ledger.snapshots)} snapshots, at most {snapshots} were asked for")
    taken = [(snapshot.step, snapshot.passes) for snapshot in ledger.snapshots]
    passes = [passes for _, passes in taken]
    if taken != sorted(taken) or passes != sorted(passes) or any(one > ledger.passes + 1e-6 for one in passes):
        raise SubmissionError(f"{name} must name snapshots in their order, within the passes that were spent")
    return ledger


def read_json(path: Path, schema: type[Parsed]) -> Parsed:
    """Return a small JSON file, checked by a schema.

    Raises:
        SubmissionError: if it is missing, no plain file, too large, or not of that form.
    """
    try:
        return schema.model_validate_json(read_plain(path, MAX_JSON))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SubmissionError(one_line(f"{path.name} is malformed: {where}: {first['msg']}")[:300]) from error


def read_state(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights in a file; they may hold numbers that are not finite.

    Args:
        path: a safetensors file.
        expected: a state with the same names, shapes and dtypes.

    Raises:
        SubmissionError: if the file is missing, no plain file, too large, no safetensors, or holds anything else.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
    header = 10_000 + sum(300 + len(name) for name in expected)
    try:
        state = load(read_plain(path, size + header))
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise SubmissionError(one_line(f"{path.name} is no safetensors file: {error}")[:300]) from error
    if set(state) != set(expected):
        extra, missing = sorted(set(state) - set(expected)), sorted(set(expected) - set(state))
        wrong = f"an unknown tensor {extra[0]!r}" if extra else f"no tensor {missing[0]!r}"
        raise SubmissionError(one_line(f"{path.name} has {wrong}")[:300])
    for name, tensor in state.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
            raise SubmissionError(
                f"{name} in {path.name} must be {_form(wanted)}, got {_form(tensor)}",
            )
    return state


def read_plain(path: Path, most: int) -> bytes:
    """Return the bytes of a plain file; no link is followed, nothing is read of a larger one.

    Raises:
        SubmissionError: if it is missing, anything else than a plain file, or larger than ``most`` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise SubmissionError(f"it handed back no {path.name}") from error
    except OSError as error:
        raise SubmissionError(f"{path.name} is no plain file: {error.strerror}") from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise SubmissionError(f"{path.name} is no plain file")
    with os.fdopen(descriptor, "rb") as file:
        if facts.st_size > most:
            raise SubmissionError(f"{path.name} has {facts.st_size} bytes, at most {most} were expected")
        return file.read(most + 1)


def _form(tensor: Tensor) -> str:
    return f"{'x'.join(map(str, tensor.shape)) or 'a scalar'} of {str(tensor.dtype).removeprefix('torch.')}"
