"""That hyper-parameters do something."""

from typing import Any

from benchmark.conformance.check import check, demand
from benchmark.conformance.hyperparameters import HyperParameter, hyperparameters_of
from benchmark.conformance.subject import Subject, differing


@check(requires=("runs_to_the_end", "is_deterministic", "stays_finite"))
def every_hyperparameter_matters(subject: Subject) -> None:
    """Another value of any hyper-parameter gives other weights."""
    outcomes = {entry.name: _matters(subject, entry) for entry in hyperparameters_of(subject.unlearner_class)}
    refused = [name for name, outcome in outcomes.items() if outcome is None]
    demand(not refused, f"no other value of {', '.join(refused)} is accepted, so a check cannot vary it")
    dead = [name for name, outcome in outcomes.items() if outcome is False]
    demand(not dead, f"{', '.join(dead)} can be changed without changing a weight: use it or remove it")


def _matters(subject: Subject, entry: HyperParameter) -> bool | None:
    """Return whether some other value changes the result, or None where every other value is refused."""
    value: Any = subject.hyperparameters.get(entry.name, entry.default)
    accepted = False
    for other in entry.others(value):
        try:
            run = subject.run(**{entry.name: other})
        except ValueError:
            continue
        accepted = True
        if differing(subject.baseline.after, run.after):
            return True
    return False if accepted else None
