"""That a method reads the sets which it says it reads, and no other."""

from typing import Literal

from benchmark.conformance.check import check, demand
from benchmark.conformance.subject import Subject, differing

_REQUIRES = ("runs_to_the_end", "is_deterministic", "stays_finite")


@check(requires=_REQUIRES)
def reads_the_forget_set_as_declared(subject: Subject) -> None:
    """Another forget set changes the result, if and only if a phase serves forget samples."""
    _reads_as_declared(subject, "forget", slice(subject.setting.forget))


@check(requires=_REQUIRES)
def reads_the_retain_set_as_declared(subject: Subject) -> None:
    """Another retain set changes the result, if and only if a phase serves retain samples."""
    _reads_as_declared(subject, "retain", slice(subject.setting.forget, None))


def _reads_as_declared(subject: Subject, side: Literal["forget", "retain"], rows: slice) -> None:
    other = subject.run(subject.setting.serving_other(rows))
    changed = bool(differing(subject.baseline.after, other.after))
    if subject.reads(side):
        demand(
            changed, f"another {side} set gives the same weights: use batch.{side}, or declare no phase that reads it"
        )
    else:
        demand(not changed, f"another {side} set gives other weights, but no phase serves it: declare what is read")
