"""The parts of a leaderboard entry: what was run, what it cost and what it scored, per seed."""

import math
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
"""A name that is also a file name: lower-case letters, digits, ``_``, ``.`` and ``-``."""

ANCHORS = ("no_unlearning", "retrain", "sham")
"""The fixed references of every table, in the order in which they are printed; no unlearner has such a name."""

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"must be in UTC, got {moment.isoformat()}")
    return moment


class Record(BaseModel):
    """Base of all records: immutable, no unknown keys, finite numbers, no coercion: ``"1"`` is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class MethodCard(Record):
    """Who a method is.

    Attributes:
        name: identifier and file name. A variant, the same method with other settings, adds a dot and what differs:
            ``scrub.alpha-0.2`` is a variant of ``scrub`` and is printed beside it where the two tie.
        title: what tables print.
        paper: reference of the paper that proposed it.
        formula: its update in one line.
        source: what the implementation was checked against.
        kind: an unlearner is ranked, an anchor is a fixed reference that every table prints. Anchors have the names
            in ``ANCHORS``, and nothing else has.
    """

    name: Name
    title: str
    paper: str
    formula: str
    source: str
    kind: Literal["unlearner", "anchor"]

    @model_validator(mode="after")
    def _anchors_have_their_names_to_themselves(self) -> Self:
        if self.kind == "anchor" and self.name not in ANCHORS:
            raise ValueError(f"name of an anchor must be {' or '.join(ANCHORS)}, got {self.name!r}")
        if self.kind != "anchor" and self.name in ANCHORS:
            raise ValueError(f"kind must be 'anchor' where name is {self.name!r} (reserved), got {self.kind!r}")
        return self


class Cost(Record):
    """What unlearning cost. A forward of one sample is 1 pass, its backward 2.

    Attributes:
        forward_passes: passes spent in forwards, of every network involved.
        backward_passes: passes spent in backwards (2 per sample).
        passes: their sum.
        training_passes: passes that training the poisoned model took, above 0.
        wall_clock_s: seconds, evaluation excluded.
        peak_memory_bytes: peak of the device's allocations on a GPU, of the process's resident set (libraries
            included) on a CPU; None where it was not measured.
        flops: estimate: network passes times the floating-point operations of one forward pass; None where that was
            not counted.
        device: name of the device.
        stopped_by_budget: whether the budget ended the method before it would have ended by itself. True for a
            method that goes on for as long as it may, such as fine-tuning.
        cpu_s: processor seconds of the method's own process and of all that it started, as the operating system
            counts them, start-up included; None where it had no process of its own.
        allowed_s: seconds of that process (processor seconds; on a GPU the greater of them and wall-clock) that the
            ledger explains; None where it had no process of its own.
        explained: whether the process kept to them; a method that computes behind the ledger's back does not.
    """

    forward_passes: Amount
    backward_passes: Amount
    passes: Amount
    training_passes: Annotated[float, Field(gt=0)]
    wall_clock_s: Amount
    peak_memory_bytes: Annotated[int, Field(ge=0)] | None
    flops: Amount | None
    device: str
    stopped_by_budget: bool
    cpu_s: Amount | None = None
    allowed_s: Amount | None = None
    explained: bool = True

    @property
    def fraction(self) -> float:
        """Passes as a fraction of what training the poisoned model took."""
        return self.passes / self.training_passes

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.forward_passes + self.backward_passes
        if not math.isclose(self.passes, total, rel_tol=1e-9):
            raise ValueError(f"passes must be forward_passes + backward_passes = {total}, got {self.passes}")
        return self


class ModelScore(Record):
    """What scoring one model gave. A diverged model has no effect, and perhaps no accuracy.

    Attributes:
        effect: the poison's primary effect; higher is more poison left.
        accuracy: on the clean test split, in [0, 1].
        extra: further measurements by name.
    """

    effect: float | None
    accuracy: Share | None
    extra: dict[str, float | None]

    @model_validator(mode="after")
    def _accuracy_is_missing_only_when_diverged(self) -> Self:
        if self.accuracy is None and self.effect is not None:
            raise ValueError("accuracy may be None only where effect is None (the model diverged)")
        return self


class SeedResult(Record):
    """One seed: the unlearned model beside the three models it is judged by.

    Attributes:
        seed: at least 0.
        unlearned: the model after the method.
        poisoned: the model before it.
        retrain: the retrain baseline.
        second_retrain: an independent retrain on the same retain set.
        cost: what the method spent.
        addresses: artifact addresses by stage.
    """

    seed: Annotated[int, Field(ge=0)]
    unlearned: ModelScore
    poisoned: ModelScore
    retrain: ModelScore
    second_retrain: ModelScore
    cost: Cost
    addresses: dict[str, str]

    @model_validator(mode="after")
    def _baselines_are_complete(self) -> Self:
        for name in ("poisoned", "retrain", "second_retrain"):
            if getattr(self, name).effect is None:
                raise ValueError(f"{name}.effect must be a number (only an unlearned model may diverge), got None")
        return self


class BudgetResult(Record):
    """All seeds of one budget.

    Attributes:
        budget: fraction of the passes that training the poisoned model took, in (0, 1].
        seeds: at least one, ascending, each once.
    """

    budget: Annotated[float, Field(gt=0, le=1)]
    seeds: Annotated[list[SeedResult], Field(min_length=1)]

    @model_validator(mode="after")
    def _seeds_ascend(self) -> Self:
        seeds = [result.seed for result in self.seeds]
        if seeds != sorted(set(seeds)):
            raise ValueError(f"seeds must ascend and be unique, got {seeds}")
        return self


class Effect(Record):
    """The number by which a poison shows itself in a model; higher is more poison left.

    Attributes:
        name: identifier.
        title: what tables print.
        lower_bound: least possible value, None if there is none.
        upper_bound: greatest possible value, None if there is none.
    """

    name: Name
    title: str
    lower_bound: float | None
    upper_bound: float | None

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.lower_bound is not None and self.upper_bound is not None and self.lower_bound >= self.upper_bound:
            raise ValueError(f"lower_bound must be below upper_bound, got {self.lower_bound} and {self.upper_bound}")
        return self

    def allows(self, value: float, tolerance: float = 1e-6) -> bool:
        """Whether ``value`` lies within the bounds, up to the ``tolerance`` of float32."""
        low = -math.inf if self.lower_bound is None else self.lower_bound
        high = math.inf if self.upper_bound is None else self.upper_bound
        return low - tolerance <= value <= high + tolerance


class Provenance(Record):
    """Where numbers come from.

    Attributes:
        commit: commit of this repository.
        dirty: whether the checkout had uncommitted changes.
        packages: versions by package.
        python: version of Python.
        platform: operating system and processor.
        device: name of the device.
        precision: numeric precision.
        command: command line that gave the entry.
        created: moment of writing, in UTC.
        fingerprints: hashes of data, labels and indices by name.
    """

    commit: str
    dirty: bool
    packages: dict[str, str]
    python: str
    platform: str
    device: str
    precision: str
    command: str
    created: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    fingerprints: dict[str, str]


class Source(Record):
    """The file of a method that is not part of this repository.

    Attributes:
        file: its name; with published entries it lies among the submissions.
        class_name: the class in it.
        sha256: of its bytes, in hex.
    """

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.py$")]
    class_name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Protection(Record):
    """What kept a method from more than it was given.

    Attributes:
        kind: ``shipped`` for a method of this repository, which runs where the stages run; ``process`` for a process of
            its own without walls; ``bubblewrap`` for one that sees neither network nor store.
        memory_limit_bytes: of its process and all that it started; None if there was no limit.
        detail: what was active, in words.
    """

    kind: Literal["shipped", "process", "bubblewrap"]
    memory_limit_bytes: Annotated[int, Field(gt=0)] | None = None
    detail: str = ""


class Tuning(Record):
    """How settings were chosen.

    Attributes:
        version: of the file that holds them.
        trials: number of settings that were tried.
        seeds: of the experiments they were tried on; scoring uses none of them.
        criterion: what was minimised, in one line; it reads no audit secret.
    """

    version: int
    trials: Annotated[int, Field(ge=1)]
    seeds: Annotated[list[int], Field(min_length=1)]
    criterion: str


class Verification(Record):
    """What a second run said of an entry.

    Attributes:
        commit: of the code that ran again.
        device: on which.
        created: moment of the comparison, in UTC.
        compared: number of values compared.
        tolerance: the share of E(poisoned) - E(retrain) by which an effect may differ.
        accuracy_tolerance: by how much an accuracy, in [0, 1], may differ.
        largest: greatest difference found, as a share of what is allowed.
        differences: one line for each value that differs by more.
        fresh_seeds: drawn at random for this run, with poison, trainings and method computed for them, too; empty
            where none were. Once published, a seed is no longer fresh.
        fresh: what the method scored on them, as ``results`` of the entry; without seeds whose baselines diverged.
    """

    commit: str
    device: str
    created: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    compared: Annotated[int, Field(ge=1)]
    tolerance: Amount
    accuracy_tolerance: Share
    largest: Amount
    differences: list[str]
    fresh_seeds: list[Annotated[int, Field(ge=0)]] = []
    fresh: list[BudgetResult] = []
