"""The versioned file of tuned settings: what ``tune`` found and ``run --settings tuned`` uses."""

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.tuning.criterion import CRITERION
from leaderboard import Tuning

TUNED_FILE = Path(__file__).resolve().parent.parent / "tuned.json"
"""The settings that this repository ships."""

Seed = Annotated[int, Field(ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TunedMethod(_Record):
    """What was found for one method in one scenario.

    Attributes:
        settings: of the best trial, for the arguments that were searched; the others keep their defaults.
        trials: settings that were tried, the defaults among them.
        diverged: how many of them diverged.
        seeds: of the experiments they were tried on.
        budget: fraction of the poisoned model's training.
        objective: what the criterion said of the best trial; lower is better.
        default_objective: what it said of the defaults.
    """

    settings: dict[str, str | int | float | bool | None]
    trials: Annotated[int, Field(ge=1)]
    diverged: Annotated[int, Field(ge=0)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    budget: Annotated[float, Field(gt=0, le=1)]
    objective: Annotated[float, Field(ge=0)]
    default_objective: Annotated[float, Field(ge=0)]


class TunedFile(_Record):
    """Tuned settings by scenario and method.

    Attributes:
        layout: version of this layout.
        version: of the content, raised by a command that replaces settings by others; entries name it.
        criterion: what was minimised, in one line.
        scenarios: name of the scenario, name of the method, what was found.
    """

    layout: Literal[1] = 1
    version: Annotated[int, Field(ge=1)] = 1
    criterion: str = CRITERION
    scenarios: dict[str, dict[str, TunedMethod]] = Field(default_factory=dict)

    def find(self, scenario: str, method: str) -> TunedMethod | None:
        """Return what was found, or None."""
        return self.scenarios.get(scenario, {}).get(method)

    def tuning(self, found: TunedMethod) -> Tuning:
        """Return what an entry says of it."""
        return Tuning(version=self.version, trials=found.trials, seeds=found.seeds, criterion=self.criterion)

    def updated(self, scenario: str, method: str, found: TunedMethod, base: int) -> "TunedFile":
        """Return the file with one more result.

        Args:
            scenario: name of the scenario.
            method: name of the method.
            found: the result.
            base: the version when the command began: it is raised by one where the result replaces another one.
        """
        earlier = self.find(scenario, method)
        replaces = earlier is not None and earlier != found
        methods = self.scenarios.get(scenario, {}) | {method: found}
        scenarios = self.scenarios | {scenario: methods}
        version = max(self.version, base + 1) if replaces else self.version
        return TunedFile(version=version, criterion=self.criterion, scenarios=scenarios)


def read_tuned(path: Path = TUNED_FILE) -> TunedFile:
    """Read the file; one that is not there holds nothing.

    Raises:
        ValueError: if it is no valid file of tuned settings.
    """
    try:
        return TunedFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return TunedFile()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ValueError(f"{path}: {place}: {first['msg']}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def read_to_add(path: Path) -> TunedFile:
    """Read the file, to add settings chosen by the criterion of this version.

    Raises:
        ValueError: if it is not valid, or its settings were chosen by another criterion.
    """
    file = read_tuned(path)
    if file.criterion != CRITERION:
        raise ValueError(f"{path} holds settings chosen by another criterion; name another one with --tuned-file")
    return file


def record(path: Path, scenario: str, method: str, found: TunedMethod, base: int) -> None:
    """Write one result into the file, which is replaced by one rename; the others in it stay.

    Raises:
        ValueError: if the file is not valid, or its settings were chosen by another criterion.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        _write(path, read_to_add(path).updated(scenario, method, found, base))


def _write(path: Path, file: TunedFile) -> None:
    text = json.dumps(file.model_dump(mode="json"), indent=2, sort_keys=True, allow_nan=False)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
